//! From a recorded answer to the value that the flow gets, for each kind of work.

use super::{
    call::{Answer, NotSent, Unreadable},
    check::{FlowResult, ReadBack, Returning, ToldOfReturns, Written, a_step_returns_this},
    drive::Executing,
    json::decode,
    saga::{Ended, Saga},
};
use crate::{
    context::{Branches, Elapsed, Signals},
    failure::{Exhausted, Failure, Refusal, Unwind},
};
use std::{fmt, future::Future, marker::PhantomData};

/// How the recorded answer of a call becomes the value that the flow gets.
pub trait Answers {
    /// That value's type.
    type Gives;

    /// The value.
    ///
    /// # Errors
    /// It is an answer of other work, or is not of the type.
    fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable>;
}

/// An answer that this work does not have.
fn other<T>(answer: &Answer) -> Result<T, Unreadable> {
    Err(Unreadable { what: "saved", name: "answer".into(), reason: format!("it is {}", answer.kind()) })
}

/// What is read back is not what is expected.
fn unreadable(name: &str, reason: impl fmt::Display) -> Unreadable {
    Unreadable { what: "saved", name: name.into(), reason: reason.to_string() }
}

/// What the machine does with what an inner flow returns, once it is known that it can.
pub struct InnerFlow<T, R> {
    gives: fn(Answer) -> Result<FlowEnd<T, R>, Unreadable>,
    ended: fn(&'static str, FlowEnd<T, R>) -> Ended,
}

/// What a flow returns.
type FlowEnd<T, R> = Result<T, Unwind<R>>;

impl<T, R> InnerFlow<T, R> {
    /// The machine of the flow, whose end is data.
    pub fn ended<'a>(
        &self,
        flow: &'static str,
        machine: impl Future<Output = FlowEnd<T, R>> + Send + 'a,
    ) -> Executing<'a, Ended>
    where
        T: 'a,
        R: 'a,
    {
        let ended = self.ended;
        Box::pin(async move { ended(flow, machine.await) })
    }
}

/// An inner flow whose return type is written out as `Result<T, Unwind<R>>`, which is asked elsewhere as
/// [`Savable`](super::Savable) is.
#[derive(Debug)]
pub struct FlowReturns<T, R>(PhantomData<fn() -> (T, R)>);

impl<T: Written + ReadBack + Send, R: Refusal> FlowReturns<T, R> {
    /// What the machine does with it.
    pub fn returning() -> InnerFlow<T, R> {
        InnerFlow { gives: inner_flow_gives, ended: Ended::of }
    }
}

impl<T, R> ToldOfReturns<InnerFlow<T, R>> for FlowReturns<T, R> {}

/// For an inner flow whose return type is an alias.
pub fn a_flow_returns_this<F: FlowResult>() -> InnerFlow<F::Output, F::Refusal>
where
    F::Output: Written + ReadBack + Send,
    F::Refusal: Refusal,
{
    FlowReturns::<F::Output, F::Refusal>::returning()
}

/// Compiles if an inner flow can be refused with this: asked of each type once.
pub fn a_flow_is_refused_with<R: Refusal>() {}

fn inner_flow_gives<T: ReadBack, R: ReadBack>(answer: Answer) -> Result<FlowEnd<T, R>, Unreadable> {
    Ok(match answer {
        Answer::Done(json) => Ok(decode(&json).map_err(|error| unreadable("output", error))?),
        Answer::Refused(json) => Err(Unwind::Refused(decode(&json).map_err(|error| unreadable("refusal", error))?)),
        Answer::Exhausted { step, last_error } => Err(Unwind::Exhausted(Exhausted::new(&step, &last_error))),
        answer => return other(&answer),
    })
}

impl<T, R> Answers for InnerFlow<T, R> {
    type Gives = Result<T, Unwind<R>>;

    fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable> {
        (self.gives)(answer)
    }
}

impl<T, R> fmt::Debug for InnerFlow<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InnerFlow")
    }
}

/// What another saga returns to the one that calls it.
type ChildReturning<S> = Returning<Result<<S as Saga>::Output, Failure<<S as Saga>::Refusal>>, <S as Saga>::Output>;

/// For another saga, as a child of this one.
pub fn a_child_returns<S: Saga>() -> ChildReturning<S> {
    a_step_returns_this()
}

/// The branches of a join, each as what it returns.
#[derive(Debug)]
pub struct Joined<B>(pub B);

macro_rules! joined {
    ($(($($at:tt $a:ident $t:ident $e:ident)+))*) => {
        $(
            impl<X, $($a, $t, $e),+> Answers for Joined<($($a,)+)>
            where
                $($a: Answers<Gives = Result<$t, $e>>, $e: Into<X>,)+
                ($($e,)+): Branches<Error = X>,
            {
                type Gives = Result<($($t,)+), X>;

                fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable> {
                    match answer {
                        Answer::All(outputs) => {
                            let count = outputs.len();
                            let mut outputs = outputs.into_iter();
                            let mut next = || {
                                let missing = || unreadable("outputs", format_args!("there are {count} of them"));
                                outputs.next().map(Answer::Done).ok_or_else(missing)
                            };
                            Ok(Ok(($(output(&self.0.$at, next()?)?,)+)))
                        }
                        Answer::Branch { index, answer } => match index {
                            $($at => Ok(Err(error(&self.0.$at, *answer)?.into())),)+
                            _ => Err(unreadable("answer", format_args!("there is no branch {index}"))),
                        },
                        answer => other(&answer),
                    }
                }
            }
        )*
    };
}

joined! {
    (0 A0 T0 E0 1 A1 T1 E1)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2 3 A3 T3 E3)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2 3 A3 T3 E3 4 A4 T4 E4)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2 3 A3 T3 E3 4 A4 T4 E4 5 A5 T5 E5)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2 3 A3 T3 E3 4 A4 T4 E4 5 A5 T5 E5 6 A6 T6 E6)
    (0 A0 T0 E0 1 A1 T1 E1 2 A2 T2 E2 3 A3 T3 E3 4 A4 T4 E4 5 A5 T5 E5 6 A6 T6 E6 7 A7 T7 E7)
}

/// The output of a branch that is done.
fn output<A: Answers<Gives = Result<T, E>>, T, E>(branch: &A, answer: Answer) -> Result<T, Unreadable> {
    branch.gives(answer)?.map_err(|_| unreadable("answer", "it is an error where an output is expected"))
}

/// The error of the branch that failed.
fn error<A: Answers<Gives = Result<T, E>>, T, E>(branch: &A, answer: Answer) -> Result<E, Unreadable> {
    match branch.gives(answer)? {
        Err(error) => Ok(error),
        Ok(_) => Err(unreadable("answer", "it is an output where an error is expected")),
    }
}

/// The same branch for each item.
#[derive(Debug)]
pub struct Each<A>(pub A);

impl<A: Answers<Gives = Result<T, E>>, T, E> Answers for Each<A> {
    type Gives = Result<Vec<T>, E>;

    fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable> {
        match answer {
            Answer::All(outputs) => {
                let outputs: Result<_, _> =
                    outputs.into_iter().map(|json| output(&self.0, Answer::Done(json))).collect();
                outputs.map(Ok)
            }
            Answer::Branch { answer, .. } => Ok(Err(error(&self.0, *answer)?)),
            answer => other(&answer),
        }
    }
}

/// A wait for a time.
#[derive(Debug)]
pub struct Slept;

impl Answers for Slept {
    type Gives = ();

    fn gives(&self, answer: Answer) -> Result<(), Unreadable> {
        match answer {
            Answer::Elapsed => Ok(()),
            answer => other(&answer),
        }
    }
}

/// A wait for signals that ends at a time.
#[derive(Debug)]
pub struct Received<S>(pub S);

impl<S: Signals> Answers for Received<S> {
    type Gives = Result<S::Value, Elapsed>;

    fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable> {
        match answer {
            Answer::Received { signal, value } => self.0.value(signal, &value).map(Ok),
            Answer::Elapsed => Ok(Err(Elapsed)),
            answer => other(&answer),
        }
    }
}

/// A wait for signals without an end.
#[derive(Debug)]
pub struct ReceivedInTheEnd<S>(pub S);

impl<S: Signals> Answers for ReceivedInTheEnd<S> {
    type Gives = S::Value;

    fn gives(&self, answer: Answer) -> Result<S::Value, Unreadable> {
        match answer {
            Answer::Received { signal, value } => self.0.value(signal, &value),
            answer => other(&answer),
        }
    }
}

/// Another saga that was started: its id.
#[derive(Debug)]
pub struct Launched;

impl Answers for Launched {
    type Gives = String;

    fn gives(&self, answer: Answer) -> Result<String, Unreadable> {
        match answer {
            Answer::Done(json) => decode(&json).map_err(|error| unreadable("id", error)),
            answer => other(&answer),
        }
    }
}

/// A signal that was sent.
#[derive(Debug)]
pub struct Sent;

impl Answers for Sent {
    type Gives = Result<(), NotSent>;

    fn gives(&self, answer: Answer) -> Result<Self::Gives, Unreadable> {
        match answer {
            Answer::Done(_) => Ok(Ok(())),
            Answer::NotSent(why) => Ok(Err(why)),
            answer => other(&answer),
        }
    }
}
