//! What is written: starts, and what happened to instances since.

use super::{Instance, InstanceNo, Labels, Message, MessageNo, Micros, RequestNo, Row, Status};

/// One write of a batch.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new instance.
    Start(Start),
    /// What happened to one.
    Append(Append),
}

/// A new instance.
#[derive(Debug, Clone)]
pub struct Start {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The caller's id.
    pub id: Box<str>,
    /// Unique for ever, also if the identity is used again after the tombstone is gone; sorts by time.
    pub birth: Box<str>,
    /// The saga's version: stored and shown.
    pub version: u32,
    /// The hash of the input's canonical JSON.
    pub input_hash: [u8; 32],
    /// Whether the committing worker owns it at once. Otherwise it waits to be claimed.
    pub owned: bool,
    /// When it was started.
    pub at: Micros,
    /// When it is to begin: until then it is [`Status::Sleeping`]. `None` for at once.
    pub wake_at: Option<Micros>,
    /// The instance that waits for this one, if it is a child. The store keeps the number and does not look it up.
    pub parent: Option<InstanceNo>,
    /// Its labels from the beginning.
    pub labels: Labels,
    /// Its first rows, from sequence 1.
    pub rows: Vec<Row>,
}

/// What happened to an instance: rows, and what changes with them, all in one.
///
/// It takes effect in the order of its fields, so that a wait that begins finds what is left after the consumption, and
/// an instance that ends gets no message from itself.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which.
    pub instance: InstanceNo,
    /// Rows that follow the last one without a gap.
    pub rows: Vec<Row>,
    /// Requests that these rows answer: they leave the inbox. One that is not there changes nothing.
    pub consumed: Vec<RequestNo>,
    /// Messages that these rows take: they are no longer waiting. One that is not, or is another instance's, changes
    /// nothing. Their ids stay known.
    pub received: Vec<MessageNo>,
    /// Labels that are set, or removed where there is no value; a later one for the same key wins.
    pub labels: Vec<(Box<str>, Option<Box<str>>)>,
    /// What changes about the instance; `None`, the common case, leaves the instance's row untouched.
    pub touch: Option<Touch>,
    /// Other instances that start with these rows: children, and what is launched. An identity that is taken is left alone.
    pub starts: Vec<Start>,
    /// Messages to other instances, e.g. a child's end to its parent. One to an instance that does not exist or has
    /// ended, and one whose id is known, is left alone.
    pub sends: Vec<Delivery>,
    /// Requests to other instances, e.g. a cancel that is forwarded to a child. One to an instance that does not exist
    /// or has ended is left alone.
    pub requests: Vec<Request>,
}

impl Append {
    /// Rows, and nothing else that changes with them.
    ///
    /// ```
    /// use saga_runtime::store::{Append, InstanceNo, RequestNo, Row};
    ///
    /// let row = Row { seq: 2, at: 0, event: r#""cancelled""#.into() };
    /// let append = Append { consumed: vec![RequestNo(1)], ..Append::new(InstanceNo(7), vec![row]) };
    /// assert!(append.touch.is_none());
    /// ```
    pub fn new(instance: InstanceNo, rows: Vec<Row>) -> Self {
        Self {
            instance,
            rows,
            consumed: Vec::new(),
            received: Vec::new(),
            labels: Vec::new(),
            touch: None,
            starts: Vec::new(),
            sends: Vec::new(),
            requests: Vec::new(),
        }
    }
}

/// A change of an instance's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The status.
    pub status: Status,
    /// When a sleeping instance wants to run again; a sleeping one without it wants to at once. A waiting one wants to
    /// then at the latest; without it, it waits for its messages alone.
    pub wake_at: Option<Micros>,
    /// The names of the messages that a waiting instance waits for: one that is there already, or comes, makes it due at
    /// once. Of other statuses none is kept.
    pub awaits: Vec<Box<str>>,
    /// The state it sleeps, is parked or waits in, for lists.
    pub state: Option<Box<str>>,
    /// Why it is parked, or a part of it while the others go on, for lists.
    pub error: Option<Box<str>>,
    /// Whether a sleeping or waiting instance waits until `wake_at` for something that only this worker knows of, as its turn at
    /// a named policy: a later worker takes it at once, and this one then.
    pub queued: bool,
    /// Whether an attempt may have been under way when a worker died, of which the journal does not tell; if nothing is said,
    /// that is so if it was before. A claim of what a dead worker owned says that it is.
    pub lost: Option<bool>,
    /// Whether the committing worker keeps it; otherwise, and after an end, nobody owns it from then on.
    pub owned: bool,
    /// The moment. The first one with a status that is an end is kept as the moment of the end.
    pub at: Micros,
}

impl Touch {
    /// A status, and nothing else: nobody owns the instance, and nothing wakes it.
    pub fn new(status: Status, at: Micros) -> Self {
        Self {
            status,
            wake_at: None,
            awaits: Vec::new(),
            state: None,
            error: None,
            queued: false,
            lost: None,
            owned: false,
            at,
        }
    }
}

/// A message on its way to an instance, within the write of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To which.
    pub to: InstanceNo,
    /// What it says.
    pub message: Message,
    /// When it was sent.
    pub at: Micros,
}

/// A request on its way to an instance, within the write of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The instance's id.
    pub id: Box<str>,
    /// What is asked.
    pub body: Box<str>,
}

/// What became of a write.
#[derive(Debug, Clone)]
pub enum Written {
    /// The instance was started, under this number.
    Started(InstanceNo),
    /// The identity is taken, by this one.
    Exists(Box<Instance>),
    /// The rows were appended.
    Appended,
}
