//! What a machine is handed: the generic part, once, around the executor.

use super::{
    answers::Answers,
    call::{Answer, Unreadable},
    json::{Json, JsonError, encode_checked},
    saga::Saga,
    slot::{AnySlot, Digest256, Persist, Saved, Slot, digest, halt},
};
use crate::context::{Calling, Sending, Verb, Waiting};
use litemap::LiteMap;
use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

/// A future that an executor returns.
pub type Executing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a backend implements, so that one machine serves every backend: the store-backed engine, the in-memory executor of
/// the tests, an adapter for a distributed engine.
///
/// An executor that has to stop (the process is going down, the lease is lost, the instance is parked) never resolves;
/// its driver drops the machine. So a machine returns the flow's own type, and the user's `?`, `return` and macros work
/// in it as they stand.
pub trait Executor: Send {
    /// Makes the call's intent durable together with everything before it, attempts it until there is an answer, and
    /// returns that.
    fn call(&mut self, call: Call) -> Executing<'_, Answer>;

    /// The machine was resumed at a call whose intent is durable: attempts that one, with the saved arguments.
    fn resume(&mut self) -> Executing<'_, Answer>;
}

/// A call that the flow has arrived at.
#[derive(Debug)]
pub struct Call {
    /// The state: an index into the flow's [states](crate::definition::Flow::states).
    pub state: usize,
    /// What is asked for.
    pub asked: Asked,
    /// The live locals.
    pub frame: Vec<FrameValue>,
    /// Something could not be written: the instance parks before any attempt.
    pub error: Option<Unreadable>,
}

/// What a flow asks for, by the state's [work](crate::definition::Work).
#[derive(Debug)]
pub enum Asked {
    /// A call of a step or an inner flow, with its evaluated arguments in the order of the parameters.
    Call(Vec<Argument>),
    /// Another saga, waited for or not ([`ChildKind`](crate::definition::ChildKind)).
    Child {
        /// What it is started with, under the parameter's name `input`.
        input: Argument,
        /// The end that the child is given; `None`: its saga's own deadline, and for one that is not waited for always.
        deadline: Option<Until>,
    },
    /// A call for each branch.
    Join {
        /// The arguments of each branch.
        branches: Vec<Vec<Argument>>,
        /// How many may run at a time; `None`: all of them.
        limit: Option<usize>,
    },
    /// A time, or a message.
    Wait {
        /// How long at the most; `None`: for ever.
        until: Option<Until>,
    },
    /// A signal for an instance of another saga.
    Send(SignalTo),
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// So long after the wait has begun.
    After(Duration),
    /// This moment.
    At(SystemTime),
}

/// The end of a wait, unless it never ends. Ends the machine if a text that was computed is no duration: a literal was read
/// when the saga was built.
fn ends(asked: Option<Result<Until, String>>) -> Option<Until> {
    asked.map(|until| {
        until.unwrap_or_else(|reason| halt(Unreadable { what: "duration", name: "of the wait".into(), reason }))
    })
}

/// A signal that a flow sends.
#[derive(Debug)]
pub struct SignalTo {
    /// The durable name of the saga that it is sent to.
    pub saga: &'static str,
    /// The id of the instance.
    pub id: Box<str>,
    /// The signal's durable name.
    pub signal: &'static str,
    /// Its value.
    pub value: Json,
}

impl SignalTo {
    /// The signal that is asked for.
    fn of<S: Saga, T: Persist>(asked: Sending<'_, S, T>) -> Result<Self, Unreadable> {
        let Sending { id, signal, value, .. } = asked;
        let value = encode_checked(&value).map_err(|error| Unreadable {
            what: "signal",
            name: signal.name().into(),
            reason: error.0,
        })?;
        Ok(Self { saga: S::DEFINITION.name, id, signal: signal.name(), value })
    }
}

/// An evaluated argument.
#[derive(Debug)]
pub struct Argument {
    /// The parameter's name.
    pub parameter: &'static str,
    /// Its owned form.
    pub value: Json,
    /// The name of a local whose stored value is this very text, if there is one.
    pub same_as: Option<&'static str>,
}

/// A live local at a call.
#[derive(Debug)]
pub struct FrameValue {
    /// The local's name.
    pub name: &'static str,
    /// Its value, if it is not what was last stored under the name.
    pub changed: Option<Json>,
}

/// Where a machine begins.
#[derive(Debug)]
pub enum Entry {
    /// At the beginning; the frame holds the arguments, each under the name of the flow's parameter.
    Start,
    /// At this state, whose call is to be made again with its saved arguments.
    Calling(usize),
    /// After this state: its answer is recorded, and the plain code after it runs.
    After(usize, Answer),
}

/// What a machine resumes from.
#[derive(Debug)]
pub struct Resume {
    /// Where.
    pub entry: Entry,
    /// The saved locals, each with its name.
    pub frame: Vec<(Cow<'static, str>, Json)>,
}

/// What a machine is handed.
pub struct Drive<'e> {
    executor: &'e mut dyn Executor,
    resume: Resume,
    /// The call that the last arm ended in.
    pending: Option<Pending>,
    answer: Option<Answer>,
    /// Which slot's value is stored under each name, so that two slots of one name do not take each other's.
    stored: LiteMap<&'static str, (usize, Digest256)>,
}

enum Pending {
    Resumed,
    New { state: usize, live: &'static [usize], asked: Asked, error: Option<Unreadable> },
    Saved(Call),
}

impl<'e> Drive<'e> {
    /// A machine's hands, from where it resumes.
    pub fn new(executor: &'e mut dyn Executor, resume: Resume) -> Self {
        Self { executor, resume, pending: None, answer: None, stored: LiteMap::new() }
    }

    /// Where the machine begins: `None` at the start, otherwise after the state of this index (once the call, if it is
    /// to be made again, has been made).
    pub fn entry(&mut self) -> Option<usize> {
        match std::mem::replace(&mut self.resume.entry, Entry::Start) {
            Entry::Start => None,
            Entry::Calling(state) => {
                self.pending = Some(Pending::Resumed);
                Some(state)
            }
            Entry::After(state, answer) => {
                self.answer = Some(answer);
                Some(state)
            }
        }
    }

    /// A slot, with its value if it was saved and is live (`live`) where the machine begins.
    pub fn slot<T>(&mut self, index: usize, name: &'static str, live: bool) -> Slot<T> {
        let at = self.resume.frame.iter().position(|(saved, _)| live && saved == name);
        let loaded = at.map(|at| self.resume.frame.swap_remove(at).1);
        if let Some(json) = &loaded {
            self.stored.insert(name, (index, digest(json.get())));
        }
        Slot::new(name, loaded)
    }

    /// Begins a call of a step or an inner flow: its arguments follow.
    pub fn begin(&mut self, state: usize, live: &'static [usize]) {
        self.ask(state, live, Asked::Call(Vec::new()));
    }

    /// Begins a join: its branches follow.
    pub fn begin_join(&mut self, state: usize, live: &'static [usize], limit: Option<usize>) {
        self.ask(state, live, Asked::Join { branches: Vec::new(), limit });
    }

    /// At most so many branches of the join run at a time, and at least one does.
    pub fn limit(&mut self, most: usize) {
        if let Some(Pending::New { asked: Asked::Join { limit, .. }, .. }) = &mut self.pending {
            *limit = Some(most.max(1));
        }
    }

    /// Begins the call, or the launch, of another saga.
    pub fn begin_child<S: Saga, T>(
        &mut self,
        state: usize,
        live: &'static [usize],
        verb: Verb<'_, Calling<'_, S>, T>,
        local: Option<&'static str>,
    ) {
        const INPUT: &str = "input";
        let Some(Calling { input, ends: until, .. }) = verb.asked() else { return };
        match encode_checked(&input) {
            Ok(value) => {
                let input = Argument { parameter: INPUT, value, same_as: local };
                self.ask(state, live, Asked::Child { input, deadline: ends(until) });
            }
            Err(error) => {
                let error = Unreadable { what: INPUT, name: S::DEFINITION.name.into(), reason: error.0 };
                self.pending = Some(Pending::New { state, live, asked: Asked::Call(Vec::new()), error: Some(error) });
            }
        }
    }

    /// Begins the next branch of the join: its arguments follow.
    pub fn branch(&mut self) {
        if let Some(Pending::New { asked: Asked::Join { branches, .. }, .. }) = &mut self.pending {
            branches.push(Vec::new());
        }
    }

    /// Begins a wait.
    pub fn begin_wait<S, T>(&mut self, state: usize, live: &'static [usize], verb: Verb<'_, Waiting<'_, S>, T>) {
        let until = verb.asked().and_then(|asked| ends(asked.ends));
        self.ask(state, live, Asked::Wait { until });
    }

    /// Begins the sending of a signal.
    pub fn begin_send<S: Saga, T: Persist, R>(
        &mut self,
        state: usize,
        live: &'static [usize],
        verb: Verb<'_, Sending<'_, S, T>, R>,
    ) {
        match verb.asked().map(SignalTo::of) {
            Some(Ok(send)) => self.ask(state, live, Asked::Send(send)),
            Some(Err(error)) => {
                self.pending = Some(Pending::New { state, live, asked: Asked::Call(Vec::new()), error: Some(error) });
            }
            None => {}
        }
    }

    fn ask(&mut self, state: usize, live: &'static [usize], asked: Asked) {
        self.pending = Some(Pending::New { state, live, asked, error: None });
    }

    /// Writes what is to be saved at the call that the last arm ended in, if it ended in one.
    pub fn save(&mut self, slots: &mut [&mut dyn AnySlot]) {
        self.pending = match self.pending.take() {
            Some(Pending::New { state, live, asked, error }) => {
                Some(Pending::Saved(self.saved(slots, state, live, asked, error)))
            }
            other => other,
        };
    }

    /// Makes that call. The one await of a machine.
    ///
    /// # Cancel safety
    /// A machine is dropped here when its executor stops; what is durable decides what happens next.
    pub async fn call(&mut self) {
        match self.pending.take() {
            Some(Pending::Resumed) => self.answer = Some(self.executor.resume().await),
            Some(Pending::Saved(call)) => self.answer = Some(self.executor.call(call).await),
            None | Some(Pending::New { .. }) => {}
        }
    }

    fn saved(
        &mut self,
        slots: &mut [&mut dyn AnySlot],
        state: usize,
        live: &[usize],
        mut asked: Asked,
        mut error: Option<Unreadable>,
    ) -> Call {
        let mut frame = Vec::with_capacity(live.len());
        for &index in live {
            let slot = &mut slots[index];
            let name = slot.name();
            if self.stored.get(name).is_some_and(|(owner, _)| *owner != index) {
                slot.forget();
            }
            let (changed, hash) = match slot.save() {
                Ok(Saved::Unchanged(hash)) => (None, hash),
                Ok(Saved::Changed(json, hash)) => (Some(json), hash),
                Err(cause) => {
                    error.get_or_insert(cause);
                    continue;
                }
            };
            self.stored.insert(name, (index, hash));
            frame.push(FrameValue { name, changed });
        }
        for argument in asked.arguments_mut() {
            let stored = argument.same_as.and_then(|name| self.stored.get(name));
            if stored.is_none_or(|(_, hash)| *hash != digest(argument.value.get())) {
                argument.same_as = None;
            }
        }
        Call { state, asked, frame, error }
    }

    /// The next argument of the call, already coerced to the parameter's type, written as that type is.
    ///
    /// `local` names the slot that the argument is, if it is nothing else (`&order`): stored once if it is unchanged.
    pub fn argument<T: ?Sized>(
        &mut self,
        parameter: &'static str,
        value: &T,
        write: fn(&T) -> Result<Json, JsonError>,
        local: Option<&'static str>,
    ) {
        let Some(Pending::New { asked, error, .. }) = &mut self.pending else { return };
        let arguments = match asked {
            Asked::Call(arguments) => arguments,
            Asked::Join { branches, .. } => match branches.last_mut() {
                Some(arguments) => arguments,
                None => return,
            },
            Asked::Child { .. } | Asked::Wait { .. } | Asked::Send(_) => return,
        };
        match write(value) {
            Ok(json) => arguments.push(Argument { parameter, value: json, same_as: local }),
            Err(cause) => {
                error.get_or_insert(Unreadable { what: "argument", name: parameter.into(), reason: cause.0 });
            }
        }
    }

    /// The answer of the call, as the flow gets it.
    pub fn answer<A: Answers>(&mut self, answers: &A) -> A::Gives {
        let Some(answer) = self.answer.take() else {
            halt(Unreadable { what: "answer", name: "of the call".into(), reason: "it is missing".into() })
        };
        answers.gives(answer).unwrap_or_else(|error| halt(error))
    }
}

impl Asked {
    /// Every argument, of all branches.
    fn arguments_mut(&mut self) -> impl Iterator<Item = &mut Argument> {
        let (branches, input): (&mut [Vec<Argument>], Option<&mut Argument>) = match self {
            Self::Call(arguments) => (std::slice::from_mut(arguments), None),
            Self::Join { branches, .. } => (&mut branches[..], None),
            Self::Child { input, .. } => (&mut [], Some(input)),
            Self::Wait { .. } | Self::Send(_) => (&mut [], None),
        };
        branches.iter_mut().flatten().chain(input)
    }
}

impl std::fmt::Debug for Drive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drive").field("resume", &self.resume).finish_non_exhaustive()
    }
}
