//! One call, as it arrived.

use crate::key::Key;
use crate::request::Request;

/// A call of an action, as it arrived: which action, under which key, and what it says.
///
/// ```
/// use saga_participant::{Call, Key};
///
/// let call = Call::new("hold", Key::new("order-42.hold")?, br#"{"sku": "mug"}"#);
/// let compensation = Call::new("hold", Key::new("order-42.release")?, b"").undoing(Key::new("order-42.hold")?);
/// # let _ = (call, compensation);
/// # Ok::<(), saga_participant::BadKey>(())
/// ```
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) identity: Identity,
    pub(crate) action: Box<str>,
    target: Box<str>,
    body: Box<[u8]>,
}

/// A call of a compensation: a call under a key of its own that names the call that it undoes.
#[derive(Debug, Clone)]
pub struct Compensation {
    pub(crate) call: Call,
    pub(crate) undoes: Key,
}

/// A key, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    pub(crate) scope: Box<str>,
    pub(crate) key: Key,
}

impl Call {
    /// A call of this action under this key. The action's name is stored: a compensation names the same one.
    pub fn new(action: &str, key: Key, body: &[u8]) -> Self {
        let identity = Identity { scope: "".into(), key };
        Self { identity, action: action.into(), target: "".into(), body: body.into() }
    }

    /// Where the call was sent to, where that says what the body does not: the path and the query of a URL.
    #[must_use]
    pub fn at(self, target: &str) -> Self {
        Self { target: target.into(), ..self }
    }

    /// Whose key it is, where callers do not trust one another: two of them may then use the same key, and neither can
    /// read or undo what is stored under the other's.
    #[must_use]
    pub fn of(mut self, scope: &str) -> Self {
        self.identity.scope = scope.into();
        self
    }

    /// The same as a compensation of the call with that key.
    pub fn undoing(self, undoes: Key) -> Compensation {
        Compensation { call: self, undoes }
    }

    pub(crate) fn request(&self) -> Request {
        Request::of(&["action", &self.action, &self.target], &self.body)
    }
}

impl Compensation {
    pub(crate) fn request(&self) -> Request {
        let Call { action, target, body, .. } = &self.call;
        Request::of(&["compensation", action, target, self.undoes.as_str()], body)
    }

    /// The call that is undone: of the same caller, since nobody undoes what another one did.
    pub(crate) fn undone(&self) -> Identity {
        Identity { scope: self.call.identity.scope.clone(), key: self.undoes.clone() }
    }
}
