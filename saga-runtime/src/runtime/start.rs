//! Starting an instance.

use super::{Error, Handle, Runtime, input};
use crate::{
    clock::since_epoch,
    core::decide::micros,
    engine::Input,
    machine::{Json, Saga},
    store::{Instance, Labels, Micros},
};
use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::{Duration, SystemTime},
};

/// A start that has not been made yet: it is made when it is awaited. What [`Runtime::start`] returns.
///
/// What is said here holds for a first start only. One that finds the instance of its id leaves it as it is, whatever it
/// says, so that a start can be repeated word for word.
///
/// ```
/// # use saga_runtime::{prelude::*, store::memory::Memory};
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # enum No {}
/// # struct Reminder;
/// # #[saga(name = "reminder", version = 1)]
/// # impl Reminder {
/// #     #[flow]
/// #     async fn run(&self, cx: &FlowContext, to: String) -> Result<String, Unwind<No>> {
/// #         self.send(cx, &to).await?;
/// #         Ok(to)
/// #     }
/// #     #[step(no_compensation = "a mail cannot be taken back")]
/// #     async fn send(&self, _cx: &StepContext, _to: &str) -> Result<(), Transient> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), saga_runtime::Error> {
/// # let runtime = Runtime::builder().store(Memory::default()).register(Reminder).start().await?;
/// use std::time::Duration;
///
/// let saga = runtime
///     .start::<Reminder>("reminder-7", "ada@example.org".into())
///     .after(Duration::from_hours(24))
///     .label("customer", "ada")
///     .await?;
/// # let _ = saga;
/// # Ok(())
/// # }
/// ```
#[must_use = "an instance is started when this is awaited"]
pub struct Starting<'r, S: Saga> {
    runtime: &'r Runtime,
    id: String,
    input: S::Input,
    begins: Begins,
    deadline: Option<Duration>,
    labels: Vec<(Box<str>, Box<str>)>,
}

#[derive(Debug, Clone, Copy)]
enum Begins {
    Now,
    After(Duration),
    At(SystemTime),
}

impl<S: Saga> fmt::Debug for Starting<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").field("saga", &S::DEFINITION.name).field("id", &self.id).finish_non_exhaustive()
    }
}

impl<S: Saga> Starting<'_, S> {
    /// It is durable now and begins after this time: until then it sleeps in the store, where it costs nothing, and can be
    /// cancelled.
    pub fn after(self, delay: Duration) -> Self {
        Self { begins: Begins::After(delay), ..self }
    }

    /// It is durable now and begins at this moment, by the runtime's clock; at once, if that is past.
    pub fn at(self, moment: SystemTime) -> Self {
        Self { begins: Begins::At(moment), ..self }
    }

    /// When so much time has passed since it began, it is given up and undone, unless it is past its point of no return: then
    /// it goes on, and its timeline says that its time is over.
    ///
    /// It can be shorter than the saga's own, `#[saga(deadline = "..")]`, and not longer.
    pub fn deadline(self, within: Duration) -> Self {
        Self { deadline: Some(within), ..self }
    }

    /// A label to find it by in lists ([`Runtime::list`]). A later one for the same key wins.
    ///
    /// At most 16, each with a key of at most 64 bytes and a value of at most 256.
    pub fn label(mut self, key: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    async fn make(self) -> Result<Handle<S>, Error> {
        let runtime = self.runtime;
        let engine = runtime.engine();
        let saga = runtime.registered::<S>()?;
        let input::Checked { json, hash } = input::checked::<S>(&self.id, &self.input, engine.limits.instance)?;
        let mut labels = Labels::new();
        for (key, value) in self.labels {
            input::check_label(&key, &value).map_err(|wrong| Error::invalid(&wrong))?;
            labels.insert(key, value);
        }
        input::check_labels(&labels).map_err(|wrong| Error::invalid(&wrong))?;
        check_deadline::<S>(self.deadline)?;
        let wake_at = wake_at(self.begins, engine.clock.now())?;
        let input =
            Input { id: self.id.clone().into(), json: json.clone(), hash, wake_at, deadline: self.deadline, labels };
        let started =
            engine.start(S::DEFINITION, input).await.map_err(|over| Error::from_start(saga, &self.id, over))?;
        if let Some(existing) = started.existing
            && existing.input_hash != hash
        {
            return Err(runtime.conflict(saga, &existing, &json).await);
        }
        Ok(Handle::new(runtime.engine().clone(), saga, &self.id, started.no))
    }
}

/// When it begins, if that is not at once.
fn wake_at(begins: Begins, now: Micros) -> Result<Option<Micros>, Error> {
    let at = match begins {
        Begins::Now => return Ok(None),
        Begins::After(delay) => now.checked_add(micros(delay)),
        Begins::At(moment) => Some(since_epoch(moment)).filter(|at| *at < Micros::MAX),
    };
    let at = at.ok_or_else(|| Error::invalid("the moment at which it is to begin is too far away to be counted"))?;
    Ok((at > now).then_some(at))
}

/// A deadline leaves some time, and no more than the saga does.
fn check_deadline<S: Saga>(deadline: Option<Duration>) -> Result<(), Error> {
    let Some(deadline) = deadline else { return Ok(()) };
    if deadline.is_zero() {
        return Err(Error::invalid("`deadline` is zero: it would be over before anything began"));
    }
    match S::DEFINITION.deadline {
        Some(own) if own < deadline => Err(Error::invalid(&format!(
            "`deadline` is {deadline:?}, longer than the {own:?} that saga `{}` has for all of its instances",
            S::DEFINITION.name
        ))),
        _ => Ok(()),
    }
}

impl<'r, S: Saga> IntoFuture for Starting<'r, S> {
    type Output = Result<Handle<S>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'r>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl Runtime {
    /// Starts an instance, or finds the one of this id: a second start with the same input is the same instance.
    ///
    /// The id is the caller's own name for what is to be done (e.g. the order's number), so that a start whose answer was lost
    /// can be repeated. When it was awaited, the input is durable, and the instance will come to its end whatever happens to
    /// this process. Beyond the concurrency limit it waits in the store until there is room. What else can be said of it, when it
    /// begins, how much time it has, what it is called by, is said before the await: see [`Starting`].
    ///
    /// # Errors
    /// The id or a label is not fit to be one, the moment at which it is to begin is too far away, or its deadline is longer than
    /// the saga's own ([`Error::is_invalid`]);
    /// the input cannot be written as JSON, or is longer than the limit ([`Error::is_too_large`]); the id is taken by an
    /// instance with another input ([`Error::is_conflict`]); the store is away, full or gone ([`Error::is_unavailable`]); the
    /// runtime has stopped ([`Error::is_stopped`]) or does not know the saga ([`Error::is_unknown_saga`]). In none of these
    /// cases anything is half-written.
    ///
    /// # Cancel safety
    /// If the future is dropped the instance was started or not; the same call again finds out.
    pub fn start<S: Saga>(&self, id: impl Into<String>, input: S::Input) -> Starting<'_, S> {
        Starting { runtime: self, id: id.into(), input, begins: Begins::Now, deadline: None, labels: Vec::new() }
    }

    async fn conflict(&self, saga: &str, existing: &Instance, new: &Json) -> Error {
        let first = self.engine().store.journal(existing.no, 1, 1).await.unwrap_or_default();
        let old = first.first().and_then(|row| match crate::engine::load::read(row) {
            Ok(crate::core::Event::Started { input, .. }) => Some(input),
            _ => None,
        });
        Error::conflict(saga, &existing.id, old.as_deref(), new)
    }
}
