//! Every start and every signal, several times in parallel: one instance, one effect, one answer, and a named conflict for whoever says
//! something else under the same name.

use crate::{Booking, Dice, Fallible, Place, Port, Report, Trip, builder, world::World};
use saga_runtime::{End, Error, Runtime, store::InstanceNo, verify::verify};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// How much is sent, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The chance.
    pub seed: u64,
    /// So many instances on each store.
    pub count: usize,
    /// Whether callers invent a new id each time that they are not answered: the trial has to notice what comes of that.
    pub careless: bool,
}

/// Sends everything more than once, on each kind of store.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(options: Options) -> Fallible<Report> {
    let mut report = Report::new("duplicates", options.seed);
    let mut dice = Dice::new(options.seed);
    // A file has one worker; its callers are many all the same.
    for (place, workers) in [(Place::memory(), 3), (Place::sqlite()?, 1), (Place::postgres(), 2)] {
        one_store(&place, workers, options, &mut dice, &mut report).await?;
    }
    Ok(report)
}

async fn one_store(
    place: &Place,
    workers: usize,
    options: Options,
    dice: &mut Dice,
    report: &mut Report,
) -> Fallible<()> {
    let kind = place.name();
    let world = World::default();
    let port = Port::Here(world.clone());
    let (mut stores, mut runtimes) = (Vec::new(), Vec::new());
    for _ in 0..workers {
        let store = place.open().await?;
        runtimes.push(builder(&port).shared_store(Arc::clone(&store)).start().await?);
        stores.push(store);
    }
    let starts = send_starts(&runtimes, options, dice).await;
    let mut booked = BTreeMap::new();
    for (name, answers) in starts {
        report.add(format!("{kind}: starts sent"), answers.len());
        report.add(format!("{kind}: starts with another input, refused as a conflict"), conflicts(&answers));
        if let Some((cents, _)) = agreed(&format!("{kind}: start of {name}"), &answers, report) {
            booked.insert(name, cents);
        }
    }
    let signals = send_signals(&runtimes, booked.keys(), dice).await;
    for (name, answers) in signals {
        report.add(format!("{kind}: signals sent"), answers.len());
        report.add(format!("{kind}: signals with another value, refused as a conflict"), conflicts(&answers));
        let Some((told, ())) = agreed(&format!("{kind}: signal to {name}"), &answers, report) else { continue };
        for runtime in &runtimes {
            let handle = runtime.get::<Trip>(&name).await?.ok_or("it was started")?;
            match tokio::time::timeout(Duration::from_mins(1), handle.result()).await {
                Ok(Ok(End::Completed(output))) if output == told => report.count(format!("{kind}: the same answer")),
                other => report.violation(format!("{kind}: {name} was told {told}, and answers {other:?}")),
            }
        }
    }
    one_effect(kind, &world, &booked, report);
    report.verdict(kind, &verify(&*stores[0], &world.ledger()).await?);
    for runtime in runtimes {
        runtime.shutdown(Duration::from_secs(5)).await;
    }
    for store in stores {
        store.close().await?;
    }
    Ok(())
}

/// What was said, and what came of it.
type Answer<T> = (u32, Result<T, Error>);

type Answers<T> = Vec<Answer<T>>;

/// All that are started, from two to ten times each, and some of those with another input.
async fn send_starts(runtimes: &[Runtime], options: Options, dice: &mut Dice) -> BTreeMap<String, Answers<InstanceNo>> {
    let mut sent = JoinSet::new();
    for index in 0..options.count {
        for time in 0..2 + dice.below(9) {
            let cents = if dice.below(4) == 0 { 200 } else { 100 };
            let name = format!("trip {index}");
            let runtime = dice.one(runtimes).clone();
            sent.spawn(async move {
                let id = if options.careless { format!("{name}, try {time}") } else { name.clone() };
                let booking = Booking { waits: true, ..Booking::new(&name, cents) };
                let started = runtime.start::<Trip>(id, booking).await;
                (name, (cents, started.map(|handle| handle.no())))
            });
        }
    }
    gathered(sent).await
}

async fn send_signals<'n>(
    runtimes: &[Runtime],
    names: impl Iterator<Item = &'n String>,
    dice: &mut Dice,
) -> BTreeMap<String, Answers<()>> {
    let mut sent = JoinSet::new();
    for name in names {
        for _ in 0..2 + dice.below(9) {
            let value = if dice.below(4) == 0 { 2 } else { 1 };
            let (runtime, name) = (dice.one(runtimes).clone(), name.clone());
            sent.spawn(async move {
                let told = runtime.signal_once::<Trip, _>(&name, Trip::GO, "the word", value).await;
                (name, (value, told))
            });
        }
    }
    gathered(sent).await
}

async fn gathered<T: 'static>(mut sent: JoinSet<(String, Answer<T>)>) -> BTreeMap<String, Answers<T>> {
    let mut answers: BTreeMap<String, Answers<T>> = BTreeMap::new();
    while let Some(answer) = sent.join_next().await {
        match answer {
            Ok((name, answer)) => answers.entry(name).or_default().push(answer),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    answers
}

fn conflicts<T>(answers: &Answers<T>) -> usize {
    answers.iter().filter(|(_, answer)| answer.as_ref().is_err_and(Error::is_conflict)).count()
}

/// What everybody was told who said what was taken; all others were told that it is in conflict with that.
fn agreed<T: Copy + Ord + std::fmt::Debug>(what: &str, answers: &Answers<T>, report: &mut Report) -> Option<(u32, T)> {
    let taken: BTreeSet<(u32, T)> =
        answers.iter().filter_map(|(said, answer)| Some((*said, *answer.as_ref().ok()?))).collect();
    for (_, answer) in answers {
        if let Err(error) = answer
            && !error.is_conflict()
        {
            report.violation(format!("{what}: {error}"));
        }
    }
    let mut all = taken.iter().copied();
    let (first, more) = (all.next(), all.next());
    if first.is_none() || more.is_some() {
        report.violation(format!("{what}: taken were {taken:?}"));
        return None;
    }
    if let Some((said, _)) = first
        && answers.iter().any(|(other, answer)| *other == said && answer.is_err())
    {
        report.violation(format!("{what}: the same was taken once and refused once"));
    }
    first
}

/// Everything that was asked for happened once, as it was taken.
fn one_effect(kind: &str, world: &World, booked: &BTreeMap<String, u32>, report: &mut Report) {
    let mut happened: BTreeMap<Box<str>, usize> = BTreeMap::new();
    for accepted in world.accepted() {
        *happened.entry(accepted.about).or_default() += 1;
    }
    for (name, cents) in booked {
        for (_, about) in Booking::new(name, *cents).parts() {
            match happened.remove(&*about) {
                Some(1) => report.count(format!("{kind}: effects that happened once")),
                times => report.violation(format!("{kind}: \"{about}\" happened {} times", times.unwrap_or(0))),
            }
        }
    }
    for (about, times) in happened {
        report.violation(format!("{kind}: \"{about}\" happened {times} times, and nobody was promised it"));
    }
}
