//! Instances that cannot go well, among healthy ones: they are parked or give up, hold nothing, and slow nobody.

use crate::{
    Booking, Dice, Fallible, No, Place, Port, Report, Trip, builder,
    corruption::Prompt,
    look::{all, at_rest, until},
    saga, serve,
    worker::{At, Order, Worker},
    world::{Act, Plan, World},
};
use saga_runtime::{
    Settled,
    prelude::*,
    runtime::ParkCause,
    store::{Filter, Status},
    verify::verify,
};
use std::{
    collections::{BTreeMap, HashSet},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// So many instances run at the same time.
const ROOM: usize = 16;

/// A step that never answers, with little time.
#[derive(Debug)]
struct Slow(Port);

#[saga(name = "slow", version = 1)]
impl Slow {
    /// Asks twice, in vain.
    #[flow]
    async fn run(&self, cx: &FlowContext, booking: Booking) -> Result<(), Unwind<No>> {
        self.book(cx, &booking.part("car")).await?;
        Ok(())
    }

    #[step(timeout = "100ms", retry(initial = "5ms", max = "20ms", attempts = 2))]
    async fn book(&self, cx: &StepContext, about: &str) -> Result<String, Failure<No>> {
        saga::forward(&self.0, cx, "book", about).await
    }

    #[compensate(book)]
    async fn unbook(&self, cx: &StepContext, about: &str) -> Result<(), Transient> {
        saga::back(&self.0, cx, "book", about).await
    }
}

/// How much of what.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The chance.
    pub seed: u64,
    /// So many healthy instances in a round, and a twentieth of that of each poison.
    pub count: usize,
    /// So many rounds with poison, and without in turns, to say what it costs the others. None: nothing is measured.
    pub rounds: usize,
    /// Whether one step of them all never ends, and has all the time in the world: the trial has to notice what that holds.
    pub leak: bool,
}

/// Poisons a store of each kind, and, if asked, measures the healthy ones with and without.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn run(options: Options) -> Fallible<Report> {
    let mut report = Report::new("poison", options.seed);
    let mut dice = Dice::new(options.seed);
    for place in [Place::memory(), Place::sqlite()?, Place::postgres()] {
        one_store(&place, options, &mut dice, &mut report).await?;
    }
    for kind in ["memory", "sqlite", "postgres"] {
        let mut rates: [Vec<f64>; 2] = Default::default();
        for round in 0..2 * options.rounds {
            let place = match kind {
                "memory" => Place::memory(),
                "sqlite" => Place::sqlite()?,
                _ => Place::postgres(),
            };
            rates[round % 2].push(rate(&place, options.count, round % 2 == 1).await?);
        }
        if let [Some(without), Some(with)] = rates.map(median) {
            let share = 100.0 * with / without;
            report.measure(
                format!("{kind}: healthy instances a second, without and with poison"),
                format!("{without:.0} and {with:.0}: {share:.1} %"),
            );
            if share < 95.0 {
                report.violation(format!("{kind}: with poison the healthy ones have {share:.1} % of their throughput"));
            }
        }
    }
    Ok(report)
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len() % 2 == 1 {
        Some(all[middle])
    } else {
        Some(f64::midpoint(*all.get(middle.checked_sub(1)?)?, all[middle]))
    }
}

/// What is to be parked why, and what gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Poison {
    Panics,
    Oversize,
    Hangs,
    Undecodable,
}

impl Poison {
    fn ends(self) -> (Status, Option<ParkCause>) {
        match self {
            Self::Panics => (Status::Parked, Some(ParkCause::Panicked)),
            Self::Oversize => (Status::Parked, Some(ParkCause::Unrecordable)),
            Self::Hangs => (Status::Compensated, None),
            Self::Undecodable => (Status::Parked, Some(ParkCause::Unreadable)),
        }
    }
}

/// Starts one poison of each kind that is made by steps.
async fn dose(runtime: &Runtime, world: &World, number: usize) -> Fallible<BTreeMap<String, Poison>> {
    let mut poison = BTreeMap::new();
    for (kind, act) in [(Poison::Panics, Act::Panic), (Poison::Oversize, Act::Oversize), (Poison::Hangs, Act::Hang)] {
        let booking = Booking::new(format!("{kind:?} {number}"), 1);
        world.plan(booking.part("car"), Plan::Then(act, u32::MAX));
        let name = booking.name.clone();
        if kind == Poison::Hangs {
            runtime.start::<Slow>(name.clone(), booking).await?;
        } else {
            runtime.start::<Trip>(name.clone(), booking).await?;
        }
        poison.insert(name, kind);
    }
    Ok(poison)
}

async fn one_store(place: &Place, options: Options, dice: &mut Dice, report: &mut Report) -> Fallible<()> {
    let kind = place.name();
    let world = World::default();
    let port = Port::Here(world.clone());
    let doses = options.count / 20;
    let mut poison = spoiled(place, &port, doses, dice).await?;
    let store = place.open().await?;
    let runtime =
        builder(&port).register(Slow(port.clone())).concurrency(ROOM).shared_store(Arc::clone(&store)).start().await?;
    for name in poison.keys() {
        runtime.signal::<Trip, _>(name, Trip::GO, 1).await?;
    }
    let mut healthy = Vec::new();
    for index in 0..options.count {
        if index % 20 == 0 {
            poison.extend(dose(&runtime, &world, index).await?);
        }
        let name = format!("healthy {index}");
        healthy.push(runtime.start::<Trip>(name.clone(), Booking::new(name, 1)).await?);
    }
    for one in &healthy {
        match tokio::time::timeout(Duration::from_mins(1), one.result()).await {
            Ok(Ok(End::Completed(0))) => report.count(format!("{kind}: healthy, and ended well")),
            other => report.violation(format!("{kind}: {} is healthy, and came to {other:?}", one.id())),
        }
    }
    if options.leak {
        let leak = Booking::new("leak", 1);
        world.plan(leak.part("car"), Plan::Then(Act::Hang, u32::MAX));
        runtime.start::<Trip>("leak", leak).await?;
        poison.insert("leak".to_owned(), Poison::Hangs);
    }
    let patience = if options.leak { 20 } else { 600 };
    let rest = at_rest(&*store, patience).await?;
    let stands: BTreeMap<&str, _> = rest.iter().map(|instance| (&*instance.id, instance)).collect();
    for (name, poison) in &poison {
        let Some(instance) = stands.get(&**name) else {
            report.violation(format!("{kind}: {name} neither ends nor is parked"));
            continue;
        };
        let (status, cause) = poison.ends();
        let found = match runtime.get::<Trip>(name).await? {
            Some(handle) if cause.is_some() => match handle.settled().await? {
                Settled::Parked { cause, .. } => Some(cause),
                Settled::Ended(_) => None,
            },
            _ => None,
        };
        if (instance.status, found) != (status, cause) {
            report.violation(format!("{kind}: {name} came to {:?}, {found:?}: {:?}", instance.status, instance.error));
        }
        if instance.owner.is_some() {
            report.violation(format!("{kind}: {name} is at rest, and somebody owns it"));
        }
        report.count(format!("{kind}: poison that {poison:?}"));
    }
    all_room_is_free(kind, &runtime, &world, 5 * patience, report).await?;
    let spoiled: HashSet<&String> =
        poison.iter().filter(|(_, poison)| **poison == Poison::Undecodable).map(|(name, _)| name).collect();
    let mut verdict = verify(&*store, &world.ledger()).await?;
    verdict.violations.retain(|found| !spoiled.iter().any(|name| ***name == *found.id));
    report.verdict(kind, &verdict);
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(())
}

/// Instances that wait, and of which a row is damaged then. There are none in memory.
async fn spoiled(place: &Place, port: &Port, count: usize, dice: &mut Dice) -> Fallible<BTreeMap<String, Poison>> {
    if matches!(place, Place::Memory(_)) {
        return Ok(BTreeMap::new());
    }
    let store = place.open().await?;
    let runtime = builder(port).shared_store(Arc::clone(&store)).start().await?;
    let mut names = BTreeMap::new();
    for index in 0..count {
        let name = format!("Undecodable {index}");
        let booking = Booking { waits: true, ..Booking::new(&name, 1) };
        names.insert(name.clone(), runtime.start::<Trip>(name, booking).await?.no());
    }
    let waiting = Filter::of([Status::Waiting]);
    while all(&*store, &waiting).await?.len() < count {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    let mut prompt = Prompt::at(place).await?;
    for no in names.values() {
        prompt.flip(*no, true, dice).await?;
    }
    prompt.close().await?;
    Ok(names.into_keys().map(|name| (name, Poison::Undecodable)).collect())
}

/// As many as there is room for run at the same time: none of it is held by what is at rest.
async fn all_room_is_free(
    kind: &str,
    runtime: &Runtime,
    world: &World,
    patience: u32,
    report: &mut Report,
) -> Fallible<()> {
    let mut last = Vec::new();
    for index in 0..ROOM {
        let booking = Booking::new(format!("last {index}"), 1);
        world.plan(booking.part("car"), Plan::Hold);
        last.push(runtime.start::<Trip>(booking.name.clone(), booking).await?);
    }
    if until(patience, async || world.held() == ROOM).await {
        report.add(format!("{kind}: ran at the same time afterwards"), ROOM);
    } else {
        report.violation(format!("{kind}: {} of {ROOM} permits are free: what is parked holds one", world.held()));
    }
    world.let_go();
    for one in last {
        one.result().await?;
    }
    Ok(())
}

/// How many healthy instances end in a second.
#[expect(clippy::cast_precision_loss, reason = "a number of instances is far from that")]
async fn rate(place: &Place, count: usize, poisoned: bool) -> Fallible<f64> {
    let world = World::default();
    let port = Port::Here(world.clone());
    let store = place.open().await?;
    let runtime = builder(&port).register(Slow(port.clone())).shared_store(Arc::clone(&store)).start().await?;
    let begun = Instant::now();
    let mut healthy = Vec::new();
    for index in 0..count {
        if poisoned && index % 60 == 0 {
            dose(&runtime, &world, index).await?;
        }
        let name = format!("healthy {index}");
        healthy.push(runtime.start::<Trip>(name.clone(), Booking::new(name, 1)).await?);
    }
    for one in healthy {
        one.result().await?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    runtime.shutdown(Duration::from_secs(5)).await;
    store.close().await?;
    Ok(rate)
}

/// A step that ends the process, with real processes that are started again: it is parked, and only it.
///
/// # Errors
/// The trial itself cannot be made.
pub async fn aborts(program: &Path, count: usize) -> Fallible<Report> {
    let mut report = Report::new("abort", 0);
    let place = Place::sqlite()?;
    let world = World::default();
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("participants");
    let server = serve(world.clone(), &socket)?;
    let store = place.open().await?;
    let client = Runtime::builder().elsewhere::<Trip>().shared_store(Arc::clone(&store)).start().await?;
    for index in 0..count {
        let name = format!("healthy {index}");
        client.start::<Trip>(name.clone(), Booking::new(name, 1)).await?;
    }
    let poison = Booking::new("aborts", 1);
    world.plan(poison.part("money"), Plan::Then(Act::Abort, u32::MAX));
    client.start::<Trip>(poison.name.clone(), poison).await?;
    client.shutdown(Duration::from_secs(5)).await;
    store.close().await?;

    let order = Order { at: At::of(&place, Duration::from_secs(2))?, socket, until_done: true };
    for _ in 0..20 {
        let status = Worker::start(program, &order)?.ended().await?;
        match (status.success(), status.signal()) {
            (true, _) => break,
            (false, Some(signal)) => report.count(format!("processes that ended by signal {signal}")),
            (false, None) => return Err(format!("a worker ended with {status}").into()),
        }
    }
    let store = place.open().await?;
    for instance in all(&*store, &Filter::default()).await? {
        match (&*instance.id, instance.status) {
            ("aborts", Status::Parked) => report.count("poison that is parked"),
            ("aborts", status) => report.violation(format!("what ends the process is {status:?}")),
            (_, Status::Completed) => report.count("healthy, and ended well"),
            (name, status) => report.violation(format!("{name} is healthy, and is {status:?}: {:?}", instance.error)),
        }
    }
    report.verdict("sqlite", &verify(&*store, &world.ledger()).await?);
    store.close().await?;
    server.abort();
    Ok(report)
}
