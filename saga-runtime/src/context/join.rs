//! Branches that run at the same time, in the plain method.

use super::FlowContext;
use crate::failure::{Failure, Transient, Unwind};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

/// How two branches of a join fail, in common: with [`Transient`], with [`Failure`] if one of them can be refused, with
/// [`Unwind`] if one of them is an inner flow.
#[diagnostic::on_unimplemented(
    message = "branches that fail with `{Self}` and with `{Other}` cannot be joined",
    label = "the branches are refused with different types",
    note = "the branches of a join are refused with one type: give one of the steps the other's refusal"
)]
pub trait Common<Other> {
    /// What both become.
    type Error;
}

macro_rules! common {
    ($([$($r:ident)?] $a:ty, $b:ty => $c:ty;)*) => {
        $(impl$(<$r>)? Common<$b> for $a { type Error = $c; })*
    };
}

common! {
    [] Transient, Transient => Transient;
    [R] Transient, Failure<R> => Failure<R>;
    [R] Transient, Unwind<R> => Unwind<R>;
    [R] Failure<R>, Transient => Failure<R>;
    [R] Failure<R>, Failure<R> => Failure<R>;
    [R] Failure<R>, Unwind<R> => Unwind<R>;
    [R] Unwind<R>, Transient => Unwind<R>;
    [R] Unwind<R>, Failure<R> => Unwind<R>;
    [R] Unwind<R>, Unwind<R> => Unwind<R>;
}

/// How the branches of a join fail, in common: of a tuple of their errors.
pub trait Branches {
    /// What all of them become.
    type Error;
}

impl<A: Common<B>, B> Branches for (A, B) {
    type Error = A::Error;
}

/// Which branch failed first.
struct First(AtomicUsize);

impl First {
    async fn of<T, E>(&self, index: usize, branch: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let end = branch.await;
        if end.is_err() {
            // Only the first is kept.
            let _ = self.0.compare_exchange(usize::MAX, index, Ordering::Relaxed, Ordering::Relaxed);
        }
        end
    }
}

macro_rules! joins {
    ($($(#[$lint:meta])* $join:ident($($at:tt $t:ident $e:ident $f:ident $branch:ident)+);)*) => {
        $(
            /// What `join!` calls: runs the branches at the same time, and gives the first error once all have ended.
            $(#[$lint])*
            #[doc(hidden)]
            pub async fn $join<X, $($t, $e, $f),+>($($branch: $f),+) -> Result<($($t,)+), X>
            where
                ($($e,)+): Branches<Error = X>,
                $($e: Into<X>, $f: Future<Output = Result<$t, $e>>,)+
            {
                let first = First(AtomicUsize::new(usize::MAX));
                let ($($branch,)+) = tokio::join!($(first.of($at, $branch)),+);
                let first = first.0.into_inner();
                $(
                    let $branch = match $branch {
                        Err(error) if first == $at => return Err(error.into()),
                        other => other,
                    };
                )+
                Ok(($($branch.map_err(Into::into)?,)+))
            }
        )*
    };
}

macro_rules! branches {
    ($($first:ident $($rest:ident)+ : $last:ident;)*) => {
        $(
            impl<$first, $($rest,)+ $last, Both> Branches for ($first, $($rest,)+ $last)
            where
                ($first, $($rest,)+): Branches<Error = Both>,
                Both: Common<$last>,
            {
                type Error = Both::Error;
            }
        )*
    };
}

branches! {
    A B: C;
    A B C: D;
    A B C D: E;
    A B C D E: F;
    A B C D E F: G;
    A B C D E F G: H;
}

joins! {
    join2(0 T0 E0 F0 a 1 T1 E1 F1 b);
    join3(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c);
    join4(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c 3 T3 E3 F3 d);
    join5(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c 3 T3 E3 F3 d 4 T4 E4 F4 e);
    join6(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c 3 T3 E3 F3 d 4 T4 E4 F4 e 5 T5 E5 F5 f);
    join7(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c 3 T3 E3 F3 d 4 T4 E4 F4 e 5 T5 E5 F5 f 6 T6 E6 F6 g);
    #[expect(clippy::too_many_arguments, reason = "each is a branch")]
    join8(0 T0 E0 F0 a 1 T1 E1 F1 b 2 T2 E2 F2 c 3 T3 E3 F3 d 4 T4 E4 F4 e 5 T5 E5 F5 f 6 T6 E6 F6 g 7 T7 E7 F7 h);
}

/// Runs calls of steps and inner flows at the same time: `join!(self.flight(cx, &trip), self.hotel(cx, &trip)).await?`.
///
/// Two to eight branches, each one call without its `.await`. The join gives the outputs as a tuple, or the first error once
/// every branch has ended; its error type is the widest of the branches'. In a saga each branch's answer is recorded as it
/// comes; after a refusal no further attempt begins, and what the join has completed is undone before the flow sees it.
///
/// ```
/// use saga_runtime::prelude::*;
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # struct No;
/// struct Trip;
///
/// #[saga]
/// impl Trip {
///     #[flow]
///     async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
///         let (flight, hotel) = join!(self.flight(cx, &city), self.hotel(cx, &city)).await?;
///         Ok(format!("{flight}, {hotel}"))
///     }
///
///     #[step]
///     async fn flight(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
///         Ok(format!("flight to {city}, {}", cx.key()))
///     }
///
///     #[compensate(flight)]
///     async fn cancel_flight(&self, cx: &StepContext, flight: Outcome<String>) -> Result<(), Transient> {
///         # let _ = (cx, flight);
///         Ok(())
///     }
///
///     #[step(no_compensation = "a room is held for a day and then free again")]
///     async fn hotel(&self, cx: &StepContext, city: &str) -> Result<String, Transient> {
///         Ok(format!("room in {city}, {}", cx.key()))
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert!(Trip.run(&FlowContext::detached(), "Rome".into()).await.is_ok());
/// # }
/// ```
#[macro_export]
macro_rules! join {
    ($a:expr, $b:expr $(,)?) => {
        $crate::machine::join2($a, $b)
    };
    ($a:expr, $b:expr, $c:expr $(,)?) => {
        $crate::machine::join3($a, $b, $c)
    };
    ($a:expr, $b:expr, $c:expr, $d:expr $(,)?) => {
        $crate::machine::join4($a, $b, $c, $d)
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr $(,)?) => {
        $crate::machine::join5($a, $b, $c, $d, $e)
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr $(,)?) => {
        $crate::machine::join6($a, $b, $c, $d, $e, $f)
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr $(,)?) => {
        $crate::machine::join7($a, $b, $c, $d, $e, $f, $g)
    };
    ($a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr $(,)?) => {
        $crate::machine::join8($a, $b, $c, $d, $e, $f, $g, $h)
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`join!` takes two to eight branches, each a call of a step or an inner flow\nhelp: for the items of a \
             collection, write `cx.join_all(items, 8, |item| self.step(cx, item))`"
        )
    };
}

impl FlowContext {
    /// Runs one call of a step or an inner flow for each item, at most `limit` of them at a time (at least one):
    /// `cx.join_all(&order.lines, 8, |line| self.reserve(cx, line)).await?`.
    ///
    /// Gives the outputs in the order of the items, or the first error once the others that have begun have ended. The
    /// closure is that one call and nothing else; in a saga the arguments of all items are evaluated and saved before the first
    /// of them begins.
    ///
    /// # Errors
    /// Those of the step or inner flow.
    ///
    /// # Cancel safety
    /// In the plain method what runs is dropped where it stands.
    pub async fn join_all<I, B, F, T, E>(&self, items: I, limit: usize, mut branch: B) -> Result<Vec<T>, E>
    where
        I: IntoIterator,
        B: FnMut(I::Item) -> F,
        F: Future<Output = Result<T, E>>,
    {
        let mut items = items.into_iter().enumerate();
        let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
        let mut outputs: Vec<Option<T>> = Vec::new();
        let mut failed = None;
        let mut more = true;
        poll_fn(|cx| {
            loop {
                while more && failed.is_none() && running.len() < limit.max(1) {
                    let Some((index, item)) = items.next() else {
                        more = false;
                        break;
                    };
                    outputs.push(None);
                    running.push((index, Box::pin(branch(item))));
                }
                let before = running.len();
                running.retain_mut(|(index, branch)| match branch.as_mut().poll(cx) {
                    Poll::Pending => true,
                    Poll::Ready(Ok(output)) => {
                        outputs[*index] = Some(output);
                        false
                    }
                    Poll::Ready(Err(error)) => {
                        failed.get_or_insert(error);
                        false
                    }
                });
                if running.is_empty() && (failed.is_some() || !more) {
                    return Poll::Ready(());
                }
                if running.len() == before {
                    return Poll::Pending;
                }
            }
        })
        .await;
        match failed {
            Some(error) => Err(error),
            None => Ok(outputs.into_iter().flatten().collect()),
        }
    }
}
