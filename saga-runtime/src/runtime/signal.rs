//! Signals from outside.

use super::{Error, Handle, Runtime, input};
use crate::{
    context::Signal,
    core::child,
    engine::Engine,
    machine::{Json, Persist, RawValue, Saga, encode_checked},
    store::{Message, Micros, Received, Sent, outside},
};
use serde::Serialize;
use std::collections::BTreeMap;

impl<S: Saga> Handle<S> {
    /// Sends a signal to the instance: each call is a message of its own.
    ///
    /// When this returns, the message is durable. It need not be waited for yet: one that comes early is kept until the flow
    /// waits for it, and what no wait ever took is listed by [`unread_signals`](Self::unread_signals). A caller whose call may be
    /// repeated, because its answer was lost, uses [`signal_once`](Self::signal_once).
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Approval;
    /// #[saga]
    /// impl Approval {
    ///     #[signal]
    ///     pub const DECIDED: Signal<Self, bool> = Signal::new("decided");
    ///     // ..
    ///     # #[flow]
    ///     # async fn run(&self, cx: &FlowContext, _request: String) -> Result<bool, Unwind<Refused>> {
    ///     #     Ok(cx.wait(Self::DECIDED).forever().await)
    ///     # }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), saga_runtime::Error> {
    /// # let runtime = Runtime::builder().store(Memory::default()).register(Approval).start().await?;
    /// let request = runtime.start::<Approval>("request-7", "a chair".into()).await?;
    /// request.signal(Approval::DECIDED, true).await?;
    /// assert_eq!(request.result().await?.completed(), Some(true));
    ///
    /// let late = request.signal(Approval::DECIDED, false).await;
    /// assert!(late.is_err_and(|error| error.is_ended()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The instance has ended ([`Error::is_ended`]) or is not there any more ([`Error::is_unknown_instance`]); the saga declares
    /// no such signal or the value cannot be written as JSON ([`Error::is_invalid`]), or is longer than the limit of a step's
    /// arguments ([`Error::is_too_large`]); the store cannot be written, or the runtime has stopped. Nothing is sent in these
    /// cases.
    ///
    /// # Cancel safety
    /// If the future is dropped, the message was sent or not.
    pub async fn signal<T: Persist>(&self, signal: Signal<S, T>, value: T) -> Result<(), Error> {
        send(&self.engine, self.saga, &self.id, signal, None, &value)?.await
    }

    /// Sends a signal that counts once, however often it is sent: `message` is the caller's own name for it.
    ///
    /// The same id with the same value is the same message, also after the flow has received it and after the end of the
    /// instance. Values are compared as JSON, the order of an object's keys aside.
    ///
    /// ```
    /// # use saga_runtime::prelude::*;
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Approval;
    /// # #[saga]
    /// # impl Approval {
    /// #     #[signal]
    /// #     pub const DECIDED: Signal<Self, bool> = Signal::new("decided");
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, _request: String) -> Result<bool, Unwind<Refused>> {
    /// #         Ok(cx.wait(Self::DECIDED).forever().await)
    /// #     }
    /// # }
    /// /// The mail's own id makes a mail that is delivered twice count once.
    /// async fn on_mail(request: &Handle<Approval>, mail_id: &str, yes: bool) -> Result<(), saga_runtime::Error> {
    ///     request.signal_once(Approval::DECIDED, mail_id, yes).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`signal`](Self::signal); and the id is known with another value ([`Error::is_conflict`]), or is not fit to be one
    /// ([`Error::is_invalid`]).
    ///
    /// # Cancel safety
    /// If the future is dropped, the message was sent or not; the same call again finds out.
    pub async fn signal_once<T: Persist>(
        &self,
        signal: Signal<S, T>,
        message: impl AsRef<str> + Send,
        value: T,
    ) -> Result<(), Error> {
        send(&self.engine, self.saga, &self.id, signal, Some(message.as_ref()), &value)?.await
    }

    /// The signals that were sent to the instance and that no wait has taken, the oldest first. Once it has ended, nothing takes
    /// them any more.
    ///
    /// # Errors
    /// The store cannot be read, or only the instance's tombstone is left ([`Error::is_buried`]).
    pub async fn unread_signals(&self) -> Result<Vec<UnreadSignal>, Error> {
        if self.instance().await?.buried {
            return Err(Error::buried(&self.id));
        }
        let messages =
            self.engine.store.messages(self.no).await.map_err(|error| Error::of_store(&self.engine, error))?;
        messages.into_iter().filter(|message| !child::is_end(&message.name)).map(UnreadSignal::read).collect()
    }
}

impl Runtime {
    /// Sends a signal to the instance of this id, without a handle of it: the signal says of which saga it is.
    ///
    /// It is [`Handle::signal`] of that instance.
    ///
    /// # Errors
    /// There is no such instance ([`Error::is_unknown_instance`]); the saga was not registered ([`Error::is_unknown_saga`]); and as
    /// for [`Handle::signal`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the message was sent or not.
    pub async fn signal<S: Saga, T: Persist>(
        &self,
        id: impl AsRef<str> + Send,
        signal: Signal<S, T>,
        value: T,
    ) -> Result<(), Error> {
        send(self.engine(), self.registered::<S>()?, id.as_ref(), signal, None, &value)?.await
    }

    /// Sends a signal that counts once to the instance of this id, without a handle of it.
    ///
    /// It is [`Handle::signal_once`] of that instance.
    ///
    /// # Errors
    /// As for [`signal`](Self::signal), and as for [`Handle::signal_once`].
    ///
    /// # Cancel safety
    /// If the future is dropped, the message was sent or not; the same call again finds out.
    pub async fn signal_once<S: Saga, T: Persist>(
        &self,
        id: impl AsRef<str> + Send,
        signal: Signal<S, T>,
        message: impl AsRef<str> + Send,
        value: T,
    ) -> Result<(), Error> {
        send(self.engine(), self.registered::<S>()?, id.as_ref(), signal, Some(message.as_ref()), &value)?.await
    }
}

/// Checks what is to be sent, at once, and sends it when it is awaited: the value itself is not held meanwhile.
fn send<'a, S: Saga, T: Persist>(
    engine: &'a Engine,
    saga: &'a str,
    instance: &'a str,
    signal: Signal<S, T>,
    message: Option<&str>,
    value: &T,
) -> Result<impl Future<Output = Result<(), Error>> + Send + use<'a, S, T>, Error> {
    let name = signal.name();
    if !S::DEFINITION.signals.iter().any(|declared| declared.name == name) {
        return Err(Error::invalid(&format!("saga `{saga}` declares no signal `{name}`: `#[signal]` does")));
    }
    if let Some(message) = message {
        input::check_message_id(message)?;
    }
    let json = encode_checked(value)
        .map_err(|error| Error::invalid(&format!("the value of signal `{name}` cannot be saved: {error}")))?;
    let (size, limit) = (json.get().len(), engine.limits.step);
    if size > limit {
        return Err(Error::too_large(&format!(
            "the value of signal `{name}` is {size} bytes long, more than the limit of {limit}"
        )));
    }
    let id = message.map_or_else(|| uuid::Uuid::now_v7().simple().to_string().into(), Box::from);
    let message = Message { name: name.into(), id, body: in_order(&json).into() };
    Ok(async move {
        outside().map_err(|inside| Error::invalid(&inside))?;
        if engine.is_stopping() {
            return Err(Error::stopped());
        }
        match engine.send(saga, instance, &message).await.map_err(|error| Error::of_store(engine, error))? {
            Sent::Stored(_) | Sent::Duplicate(_) => Ok(()),
            Sent::Conflict(_) => Err(Error::message_conflict(saga, instance, name, &message.id)),
            Sent::Ended(_) => Err(Error::ended(saga, instance, name)),
            Sent::Unknown => Err(Error::unknown_instance(saga, instance)),
        }
    })
}

/// How deep a value may be nested and still be compared by what it says; what lies deeper is compared as it is written.
const DEPTH: usize = 64;

/// The same JSON with the keys of objects in order, and numbers as they are written: a store compares texts.
pub(crate) fn in_order(json: &RawValue) -> String {
    ordered(json, DEPTH)
}

/// Each level is read once more, and has its place on the stack: so deep, and no deeper.
fn ordered(json: &RawValue, depth: usize) -> String {
    let text = json.get();
    let Some(depth) = depth.checked_sub(1) else { return text.into() };
    if let Ok(fields) = serde_json::from_str::<BTreeMap<String, Json>>(text) {
        let fields =
            fields.iter().map(|(key, value)| format!("{}:{}", serde_json::Value::from(&**key), ordered(value, depth)));
        return format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
    }
    match serde_json::from_str::<Vec<Json>>(text) {
        Ok(items) => format!("[{}]", items.iter().map(|item| ordered(item, depth)).collect::<Vec<_>>().join(",")),
        Err(_) => text.into(),
    }
}

/// A signal that was sent and not received.
#[derive(Debug, Clone, Serialize)]
pub struct UnreadSignal {
    /// The signal's durable name.
    pub signal: Box<str>,
    /// The message's id: the sender's, or one that was made for it.
    pub id: Box<str>,
    /// The value.
    pub value: Json,
    /// When it was stored, in microseconds since the Unix epoch.
    pub at: Micros,
}

impl UnreadSignal {
    fn read(message: Received) -> Result<Self, Error> {
        let Received { name, id, body, at, .. } = message;
        let value = RawValue::from_string(body.into());
        let value = value.map_err(|error| Error::invalid(&format!("message `{id}` is no JSON: {error}")))?;
        Ok(Self { signal: name, id, value, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_put_in_order_and_nothing_else_changes() {
        let json = |text: &str| RawValue::from_string(text.to_owned()).expect("it is JSON");
        let a = in_order(&json(r#"{"b":[{"y":1,"x":18446744073709551616}],"a\n":"{\"q\":0,\"p\":0}","c":1.10}"#));
        assert_eq!(a, r#"{"a\n":"{\"q\":0,\"p\":0}","b":[{"x":18446744073709551616,"y":1}],"c":1.10}"#);
        // Whoever sends it may have nested it so that no stack has room for it.
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(in_order(&json(&deep)), deep);
        for same in ["null", "true", "\"text\"", "0.10", "[]", "{}", "[1,[2]]"] {
            assert_eq!(in_order(&json(same)), same);
        }
    }
}
