//! What instances are told: signals, and the ends of children.

use super::{InstanceNo, Micros};
use serde::{Deserialize, Serialize};

/// The number of a message within its store; later messages have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageNo(pub i64);

/// A message to an instance: a signal, or the end of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What kind of message it is, e.g. a signal's durable name: what instances wait for.
    pub name: Box<str>,
    /// Which one it is: within one instance and name, one id counts once.
    pub id: Box<str>,
    /// What it says, as JSON text.
    pub body: Box<str>,
}

/// A message that is stored and not consumed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub no: MessageNo,
    /// What kind of message it is.
    pub name: Box<str>,
    /// Which one it is.
    pub id: Box<str>,
    /// What it says, as JSON text.
    pub body: Box<str>,
    /// When it was stored.
    pub at: Micros,
}

/// What became of a message. The number is the instance's, so that whoever runs it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is stored.
    Stored(InstanceNo),
    /// This id is known, with the very same body: it counts once, and was stored before.
    Duplicate(InstanceNo),
    /// This id is known, with another body: nothing is stored.
    Conflict(InstanceNo),
    /// The instance has ended: nothing is stored.
    Ended(InstanceNo),
    /// There is no such instance.
    Unknown,
}

impl Sent {
    /// The number of the instance, if there is one.
    pub fn instance(self) -> Option<InstanceNo> {
        match self {
            Self::Stored(no) | Self::Duplicate(no) | Self::Conflict(no) | Self::Ended(no) => Some(no),
            Self::Unknown => None,
        }
    }
}
