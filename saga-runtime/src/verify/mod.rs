//! Whether what is stored, and what participants saw, is as it was promised.
//!
//! [`verify`] reads a store, also one on which workers are at work, and says of each instance which promise its journal breaks. With
//! what participants have accepted (a [`Ledger`]) it holds the two against each other. The journal is read by rules of its own here, and
//! not by those by which the engine folds it, so that a mistake there does not excuse itself; that folding it gives what the store says
//! is one of the promises. A runtime does it with what it knows besides: [`Runtime::verify`](crate::Runtime::verify).
//!
//! # What it cannot see
//!
//! What a store does not keep, nobody can read in it. These promises are held by tests of their own instead:
//!
//! - Whether a write that was accepted carried the newest epoch: rows do not keep the epoch under which they were written, which would
//!   cost every saga bytes for what each commit checks anyway. Seen is an owner that no worker can be. Participants are given no epoch
//!   either: what a worker sends after it was taken for dead is absorbed by keys and barriers, and shows as an effect if it is not.
//! - How long an attempt took, and when its worker began it: rows tell of the end. Planned attempts are held against deadlines, and made
//!   ones against the back-off before them.
//! - What a policy was: it is stored nowhere, see [`verify_by`].
//! - Permits, tasks and leases, which are no rows. A runtime knows its own tasks, and holds them against what it owns.
//! - Late effects of what was buried, or of steps that no ledger names.
//!
//! ```
//! use saga_runtime::{prelude::*, store::memory::Memory, verify::{Ledger, verify}};
//! use std::sync::Arc;
//! # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
//! # struct No;
//! # struct Greeting;
//! # #[saga(name = "greeting")]
//! # impl Greeting {
//! #     #[flow]
//! #     async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<No>> {
//! #         Ok(self.words(cx, &name).await?)
//! #     }
//! #     #[step(no_compensation = "words do no harm")]
//! #     async fn words(&self, cx: &StepContext, name: &str) -> Result<String, Failure<No>> {
//! #         let _ = cx.key();
//! #         Ok(format!("hello {name}"))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(Memory::default());
//! let runtime = Runtime::builder().shared_store(store.clone()).register(Greeting).start().await?;
//! runtime.start::<Greeting>("greeting-7", "Ada".to_owned()).await?.result().await?;
//! let verdict = verify(&*store, &Ledger::default()).await?;
//! assert!(verdict.violations.is_empty(), "{verdict}");
//! println!("{verdict}"); // 1 instance, 4 rows: no violation
//! # Ok(())
//! # }
//! ```

mod announced;
mod bounded;
mod fold;
mod ledger;
mod read;
mod walk;

#[doc(hidden)]
pub use self::announced::{Standing, standing};

pub(crate) use self::walk::{Journal, walk};

use self::{
    fold::{Folded, agrees, fold},
    ledger::Effects,
};
use crate::{
    core::Event,
    definition::Definition,
    engine::load::{self, Unfoldable},
    store::{Epoch, Filter, Instance, InstanceNo, Micros, Row, Status, Store, StoreError},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
};

/// How many instances are read at a time.
const PAGE: usize = 500;

/// After so many, others have their turn.
const LOOKS: usize = 64;

/// What no fault may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Promise {
    /// Every instance comes to an end, is parked with a reason, or visibly waits.
    Ends,
    /// What participants accepted is what stands: all forward steps, less what was undone.
    AllOrNone,
    /// Compensations run in the reverse order of completion, and each undoes what may have happened.
    Reverse,
    /// No effect begins before its call is durable.
    RecordFirst,
    /// At most one pivot is passed, and nothing is undone after it.
    OnePivot,
    /// A journal is without gaps, its snapshots are what comes before them, and it says what the store says.
    Chain,
    /// One id, one instance.
    OneStart,
    /// Nobody owns anything, or writes, under an epoch that no worker was given, or that is over.
    Fence,
    /// Attempts and time stay within policy.
    Bounded,
    /// What is parked holds nothing, and nothing wakes it.
    Isolation,
    /// A child has ended when the one that waits for it has.
    NoOrphan,
    /// What was not undone is told.
    DebtIsVisible,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ends => "every instance ends",
            Self::AllOrNone => "all or none",
            Self::Reverse => "undone in reverse order",
            Self::RecordFirst => "recorded before it begins",
            Self::OnePivot => "one pivot, and nothing undone after it",
            Self::Chain => "the journal is whole",
            Self::OneStart => "one id, one instance",
            Self::Fence => "only its owner writes",
            Self::Bounded => "attempts and time within policy",
            Self::Isolation => "what is parked holds nothing",
            Self::NoOrphan => "no child outlives its parent",
            Self::DebtIsVisible => "debt is visible",
        })
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// The saga's durable name.
    pub saga: Box<str>,
    /// The instance's id.
    pub id: Box<str>,
    /// The row of its journal that shows it, if it is one.
    pub row: Option<u64>,
    /// How.
    pub what: Box<str>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promise, saga, id, row, what } = self;
        write!(f, "{promise}")?;
        // What nobody announces may be nobody's.
        let whose: Vec<&str> = [&**saga, &**id].into_iter().filter(|part| !part.is_empty()).collect();
        if !whose.is_empty() {
            write!(f, ": {}", whose.join(" "))?;
        }
        if let Some(row) = row {
            write!(f, ", row {row}")?;
        }
        write!(f, ": {what}")
    }
}

/// What participants accepted, until a moment.
///
/// Of a step with `idempotent = ".."`, which may happen more than once, and of instances that retention has removed, nothing is to be
/// in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// In the order in which they did.
    pub effects: Vec<Effect>,
    /// When it was collected, in microseconds since the Unix epoch, by the store's clock: it is held against what had ended by then.
    pub collected_at: Micros,
}

/// What a participant was asked for and accepted. What it answered from memory is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The saga's durable name; may be empty where the id is.
    pub saga: Box<str>,
    /// The instance's id. Empty where the participant knows of no instances: keys are unique, and tell.
    pub id: Box<str>,
    /// The step's durable name, also of an undo. Steps that are named nowhere in a ledger are not looked for.
    pub step: Box<str>,
    /// The key of the call.
    pub key: Box<str>,
    /// Of an undo: the key of the call that it undoes.
    pub undoes: Option<Box<str>>,
    /// Of an undo: whether there was something to undo.
    pub changed: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How many instances were read.
    pub instances: usize,
    /// How many rows of their journals.
    pub rows: usize,
    /// How many effects were held against them.
    pub effects: usize,
    /// How many instances have not ended: they wait, are parked, or are under way.
    pub open: usize,
    /// Every broken promise.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        let Self { instances, rows, effects, violations, .. } = self;
        write!(f, "{}, {}", counted(*instances, "instance"), counted(*rows, "row"))?;
        if *effects > 0 {
            write!(f, ", {}", counted(*effects, "effect"))?;
        }
        match violations.len() {
            0 => f.write_str(": no violation"),
            some => {
                write!(f, ": {}", counted(some, "violation"))?;
                violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
            }
        }
    }
}

/// Reads every instance of a store and says which promises are broken; with effects, holds what participants accepted against it.
///
/// Workers may be at work meanwhile: of an instance that somebody owns, or that has moved on while it was read, is asked only what has
/// to hold at any moment. Without a ledger (`&Ledger::default()`) journals are held against themselves and against their instances.
///
/// # Errors
/// The store cannot be read.
pub async fn verify(store: &dyn Store, ledger: &Ledger) -> Result<Verdict, StoreError> {
    verify_by(store, ledger, &[]).await
}

/// The same, with definitions of sagas (`Checkout::definition()`): how often and until when something was tried is held against the
/// policies of steps and compensations, too. [`Runtime::verify`](crate::Runtime::verify) does so with those that it knows.
///
/// Policies are not stored. They are asked only of instances that were started in a definition's own version: give a saga another version
/// when you make a policy narrower. How many attempts a named policy allows, which may change while sagas run, is not asked.
///
/// # Errors
/// The store cannot be read.
pub async fn verify_by(
    store: &dyn Store,
    ledger: &Ledger,
    definitions: &[&'static Definition],
) -> Result<Verdict, StoreError> {
    pass(store, ledger, definitions, &mut |_| {}).await
}

/// The same; `sees` is told of each instance, as it was read first.
pub(crate) async fn pass(
    store: &dyn Store,
    ledger: &Ledger,
    definitions: &[&'static Definition],
    sees: &mut (dyn FnMut(&Instance) + Send),
) -> Result<Verdict, StoreError> {
    let definitions: HashMap<&str, &'static Definition> = definitions.iter().map(|of| (of.name, *of)).collect();
    let mut effects = Effects::of(ledger);
    let steps: HashSet<&str> = ledger.effects.iter().map(|effect| &*effect.step).collect();
    let mut verdict = Verdict { effects: ledger.effects.len(), ..Verdict::default() };
    // Those whose owner is higher than all before: no more than there were workers.
    let (mut highest, mut suspects) = (None, Vec::new());
    let mut after = None;
    loop {
        let page = store.list(&Filter::default(), after, PAGE).await?;
        let Some(last) = page.last().map(|last| last.no) else { break };
        let journals = read::journals(store, &page).await?;
        // Which of them were written to between the two reads.
        let again: HashMap<InstanceNo, Instance> =
            store.list(&Filter::default(), after, PAGE).await?.into_iter().map(|now| (now.no, now)).collect();
        after = Some(last);
        for (instance, rows) in page.iter().zip(journals) {
            sees(instance);
            if instance.owner > highest {
                highest = instance.owner;
                suspects.push(instance.clone());
            }
            let still = again.get(&instance.no) == Some(instance);
            verdict.instances += 1;
            verdict.open += usize::from(!instance.status.is_end());
            let rows = match rows {
                Ok(rows) => rows,
                Err(what) => {
                    effects.take(instance, &Journal::default());
                    // One that is parked for it is told.
                    let told = instance.status == Status::Parked;
                    let found = Found { promise: Promise::Chain, row: None, what };
                    verdict.violations.extend((!told).then(|| found.of(instance)));
                    continue;
                }
            };
            verdict.rows += rows.len();
            let looked = look(instance, &rows, definitions.get(&*instance.saga).copied());
            let own = effects.take(instance, &looked.journal);
            let held = instance.ended_at.is_some_and(|ended| ended <= ledger.collected_at);
            let kept = Kept { effects: &own, steps: &steps };
            verdict.violations.extend(looked.judge(instance, &rows, held.then_some(kept), still));
            if verdict.instances.is_multiple_of(LOOKS) {
                tokio::task::yield_now().await;
            }
        }
    }
    // Asked last: what was given meanwhile is no higher.
    if let Some(last) = store.last_epoch().await? {
        let beyond = suspects.into_iter().filter(|of: &Instance| of.owner > Some(last));
        let what = |owner: Option<Epoch>| {
            let owner = owner.map_or(0, |owner| owner.0);
            format!("it is owned by the worker of epoch {owner}, and the last there was is {}", last.0)
        };
        let found = |of: Instance| Found { promise: Promise::Fence, row: None, what: what(of.owner) }.of(&of);
        verdict.violations.extend(beyond.map(found));
    }
    verdict.violations.extend(effects.left());
    verdict.violations.sort_by(|a, b| (&a.saga, &a.id, a.row).cmp(&(&b.saga, &b.id, b.row)));
    Ok(verdict)
}

/// What participants accepted for an instance, and of which steps anybody kept it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept<'a> {
    pub(crate) effects: &'a [&'a Effect],
    pub(crate) steps: &'a HashSet<&'a str>,
}

/// The broken promises of one instance: of its journal, and of what participants accepted for it. `still` says that nothing was written
/// while the two were read; by the definition, if it is given, attempts are held against policies.
pub(crate) fn check(
    instance: &Instance,
    rows: &[Row],
    kept: Option<Kept<'_>>,
    still: bool,
    definition: Option<&'static Definition>,
) -> Vec<Violation> {
    look(instance, rows, definition).judge(instance, rows, kept, still)
}

/// What the rows of an instance tell by themselves.
struct Looked {
    journal: Journal,
    folded: Folded,
    found: Vec<Found>,
}

fn look(instance: &Instance, rows: &[Row], definition: Option<&'static Definition>) -> Looked {
    // What another version may try is not what this one may.
    let definition = definition.filter(|definition| definition.version == instance.version);
    let (events, rest) = read_all(rows);
    let (journal, mut found) = walk(rows, &events, definition);
    let (folded, wrong) = fold(rows, &events, rest);
    found.extend(wrong);
    Looked { journal, folded, found }
}

impl Looked {
    /// What is wrong with it, also beside what the store says of the instance, and what participants do.
    fn judge(self, instance: &Instance, rows: &[Row], kept: Option<Kept<'_>>, still: bool) -> Vec<Violation> {
        // Of what was buried there is nothing to read.
        if instance.buried {
            return Vec::new();
        }
        let Self { journal, folded, mut found } = self;
        if still && rows.is_empty() {
            found.push(Found { promise: Promise::Chain, row: None, what: "it has no journal".into() });
        }
        if still && instance.owner.is_none() {
            found.extend(agrees(instance, rows, &folded));
            found.extend(owes(instance, &journal));
            if let Some(kept) = kept.filter(|_| instance.status.is_end()) {
                found.extend(ledger::holds(&instance.birth, &journal, kept));
            }
        }
        found.into_iter().map(|found| found.of(instance)).collect()
    }
}

/// Debt is told, and nobody completes with it.
fn owes(instance: &Instance, journal: &Journal) -> Option<Found> {
    let says = match instance.status {
        Status::Completed | Status::Compensated => false,
        Status::CompensatedWithDebt => true,
        _ => return None,
    };
    let what = match journal.debt.first().and_then(|id| journal.calls.get(id)) {
        Some(call) if !says => format!("the undo of `{}` was skipped, and the end does not say so", call.step),
        None if says => "it is told to have ended with debt, and no undo was skipped".into(),
        _ => return None,
    };
    Some(Found { promise: Promise::DebtIsVisible, row: None, what })
}

/// What the rows say, up to the first that cannot be read, and why that cannot be.
pub(crate) fn read_all(rows: &[Row]) -> (Vec<Event>, Option<Unfoldable>) {
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        match load::read(row) {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

/// A broken promise, of an instance that whoever asked knows.
#[derive(Debug)]
pub(crate) struct Found {
    promise: Promise,
    row: Option<u64>,
    what: String,
}

impl Found {
    fn of(self, instance: &Instance) -> Violation {
        let Self { promise, row, what } = self;
        Violation { promise, saga: instance.saga.clone(), id: instance.id.clone(), row, what: what.into() }
    }
}
