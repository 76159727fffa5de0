//! Whoever starts instances, signals and cancels them, and looks after those that are parked.

use crate::{
    crew::Crew,
    faults::Fault,
    plan::Plan,
    sim::{Sim, lock},
    tour::{Leg, No, Tour},
    world::{ALLOW, PANIC},
};
use saga_runtime::{
    End, Error, Runtime, Saga,
    runtime::{Decision, Park, ParkCause},
    store::{Filter, Status, Store as _},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// An instance that somebody wants.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// What it is to do.
    pub plan: Plan,
    /// Whether it has so much time.
    pub deadline: Option<Duration>,
    /// Whether it begins so much later than it is started.
    pub after: Option<Duration>,
}

/// What was asked beside that it be run.
#[derive(Debug, Default)]
pub struct Asked {
    /// Those that somebody wanted cancelled.
    pub cancelled: Mutex<BTreeSet<String>>,
    /// Those of which somebody was told that they are.
    pub granted: Mutex<BTreeSet<String>>,
    /// The keys of steps of which somebody says that they did not happen: that is to stay so.
    denied: Mutex<BTreeSet<String>>,
}

/// Starts an order, some time, and does with it what people do.
pub async fn order(sim: Arc<Sim>, crew: Arc<Crew>, asked: Arc<Asked>, order: Order, within: Duration) {
    sleep(sim.up_to(within)).await;
    if sim.goes_wrong(100) {
        sim.count(Fault::StartedTwice);
        tokio::join!(start(&sim, &crew, &order), start(&sim, &crew, &order));
    } else {
        start(&sim, &crew, &order).await;
    }
    if sim.goes_wrong(50) {
        started_differently(&sim, &crew, &order).await;
    }
    let cancels = sim.goes_wrong(80);
    let signals = async {
        for number in 0..order.plan.waits() {
            sleep(sim.up_to(Duration::from_secs(20))).await;
            signal(&sim, &crew, &order.id, number).await;
            if sim.goes_wrong(200) {
                sim.count(Fault::SignalledTwice);
                signal(&sim, &crew, &order.id, number).await;
            }
        }
    };
    let cancel = async {
        if cancels {
            sleep(sim.up_to(Duration::from_secs(20))).await;
            cancel(&sim, &crew, &asked, &order.id).await;
        }
    };
    tokio::join!(signals, cancel);
}

/// Until somebody has said that it is started.
async fn start(sim: &Sim, crew: &Crew, order: &Order) {
    loop {
        let Order { id, plan, deadline, after } = order.clone();
        let started = crew.ask(|runtime| async move {
            let starting = runtime.start::<Tour>(id, plan);
            let starting = if let Some(deadline) = deadline { starting.deadline(deadline) } else { starting };
            let starting = if let Some(after) = after { starting.after(after) } else { starting };
            starting.await.map(drop)
        });
        match started.await {
            Some(Ok(())) => {
                if !matches!(sim.store.find("tour", &order.id).await, Ok(Some(_))) {
                    sim.violated(format!(
                        "record first: the start of {} was answered, and it is not in the store",
                        order.id
                    ));
                }
                sim.tell(|| format!("{} is started", order.id));
                return;
            }
            Some(Err(error)) if error.is_conflict() => {
                sim.violated(format!("one start: {} is said to be another one: {error}", order.id));
                return;
            }
            Some(Err(_)) | None => sleep(Duration::from_millis(500)).await,
        }
    }
}

/// One id is one instance, whoever asks for another one.
async fn started_differently(sim: &Sim, crew: &Crew, order: &Order) {
    let Order { id, mut plan, .. } = order.clone();
    plan.parts.push(crate::plan::Part::Look(1));
    if let Some(Ok(())) = crew.ask(|runtime| async move { runtime.start::<Tour>(id, plan).await.map(drop) }).await {
        sim.violated(format!("one start: {} was started with another input", order.id));
    }
    sim.count(Fault::StartedDifferently);
}

/// Until it is there, or nobody wants it any more.
async fn signal(sim: &Sim, crew: &Crew, id: &str, number: usize) {
    let name = format!("go-{number}");
    let value = u32::try_from(number).unwrap_or_default();
    loop {
        let sent = crew.ask(|runtime| {
            let (id, name) = (id.to_owned(), name.clone());
            async move { runtime.signal_once(&id, Tour::GO, &name, value).await }
        });
        match sent.await {
            Some(Ok(())) => {
                sim.tell(|| format!("{id} is sent {name}"));
                return;
            }
            Some(Err(error)) if error.is_ended() => return,
            Some(Err(error)) if error.is_unknown_instance() || error.is_conflict() => {
                sim.violated(format!("one start: a signal to {id}, which was started: {error}"));
                return;
            }
            Some(Err(_)) | None => sleep(Duration::from_millis(500)).await,
        }
    }
}

async fn cancel(sim: &Sim, crew: &Crew, asked: &Asked, id: &str) {
    lock(&asked.cancelled).insert(id.to_owned());
    sim.count(Fault::Cancelled);
    sim.tell(|| format!("{id} is cancelled by somebody"));
    let cancelled = crew.ask(|runtime| {
        let id = id.to_owned();
        async move {
            match runtime.get::<Tour>(&id).await? {
                Some(handle) => handle.cancel("somebody wants it").await.map(|decision| Some(decision.granted)),
                None => Ok::<_, Error>(None),
            }
        }
    });
    match cancelled.await {
        Some(Ok(Some(true))) => {
            lock(&asked.granted).insert(id.to_owned());
        }
        Some(Ok(None)) => sim.violated(format!("one start: {id}, which was started, is not found")),
        // An error, or none who answers: it may have been heard all the same.
        Some(Ok(Some(false)) | Err(_)) | None => {}
    }
}

/// Looks after what is parked, and after clocks.
pub async fn operate(sim: Arc<Sim>, crew: Arc<Crew>, asked: Arc<Asked>) {
    loop {
        sleep(Duration::from_secs(15)).await;
        for (_, life) in crew.alive() {
            if let Some(jump) = life.runtime.clock_jump() {
                if sim.counts().of(Fault::ClockJumped) == 0 {
                    sim.violated(format!("ends: a worker tells of a clock that jumped, and none did: {jump:?}"));
                }
                life.runtime.confirm_clock();
            }
        }
        let parked = sim.store.list(&Filter::of([Status::Parked]), None, usize::MAX).await.unwrap_or_default();
        let mut looking = JoinSet::new();
        for instance in parked {
            let (sim, crew, asked) = (Arc::clone(&sim), Arc::clone(&crew), Arc::clone(&asked));
            looking.spawn(async move {
                let id = instance.id.to_string();
                let looked = crew.ask(|runtime| {
                    let (sim, asked, id) = (Arc::clone(&sim), Arc::clone(&asked), id.clone());
                    async move {
                        if &*instance.saga == "tour" {
                            look_after::<Tour>(&sim, &asked, &runtime, &id).await
                        } else {
                            look_after::<Leg>(&sim, &asked, &runtime, &id).await
                        }
                    }
                });
                // Whoever is not answered looks again.
                let _ = looked.await;
            });
        }
        while looking.join_next().await.is_some() {}
    }
}

/// What can need a person here: everything that is saved can be read, and no key is ever too old.
fn may_park(cause: ParkCause) -> bool {
    use ParkCause::{Asked, CrashLoop, Exhausted, GaveUp, Panicked};
    matches!(cause, Asked | CrashLoop | Exhausted | GaveUp | Panicked)
}

async fn look_after<S: Saga>(sim: &Sim, asked: &Asked, runtime: &Runtime, id: &str) -> Result<(), Error> {
    let Some(handle) = runtime.get::<S>(id).await? else { return Ok(()) };
    for park in handle.parks().await? {
        if !may_park(park.cause()) || (park.cause() == ParkCause::CrashLoop && !sim.has_lost_a_worker()) {
            let (state, cause, error) = (park.state(), park.cause(), park.error());
            sim.violated(format!(
                "ends: {id} is parked in {state}, which nothing here is a reason for: {cause}: {error}"
            ));
        }
        let (fault, decision) = decide(sim, asked, id, &park).await?;
        if let Some(fault) = fault.filter(|_| decision.granted) {
            sim.count(fault);
        }
        sim.tell(|| format!("operator: {id}, parked in {} ({:?}): {decision}", park.state(), park.cause()));
    }
    Ok(())
}

/// Does something about what is parked. What he says of a step is true: he has looked.
async fn decide<S: Saga>(
    sim: &Sim,
    asked: &Asked,
    id: &str,
    park: &Park<S>,
) -> Result<(Option<Fault>, Decision), Error> {
    let what = sim.dice().roll(12);
    let cause = park.cause();
    // Whoever gives up, or owes something, does not go on as if nothing were the matter, also if nobody hears that it was granted.
    let gives_up = || lock(&asked.cancelled).insert(id.to_owned());
    if cause == ParkCause::Panicked
        && let Some((_, value)) = park.error().split_once(PANIC)
        && what < 5
    {
        return Ok((Some(Fault::Resolved), park.resolve("operator", "it has happened", value).await?));
    }
    if let (ParkCause::Asked, Some((_, step))) = (cause, park.error().split_once(ALLOW)) {
        let (step, key) = step.split_once(' ').unwrap_or_default();
        let is_denied = lock(&asked.denied).contains(key);
        let is_allowed = lock(&sim.participants).is_allowed(key);
        // After the point of no return what did not happen is made again.
        if is_denied || (what < 4 && step != "send" && !is_allowed) {
            lock(&asked.denied).insert(key.to_owned());
            gives_up();
            return Ok((Some(Fault::DidNotHappen), park.did_not_happen("operator", "nobody has it").await?));
        }
        lock(&sim.participants).allow(key);
        return Ok((None, park.retry("operator", "it is allowed").await?));
    }
    // Nobody is told which kind of park it is: a verb that does not fit is refused.
    let is_undo = matches!(cause, ParkCause::Asked | ParkCause::GaveUp | ParkCause::Panicked);
    Ok(match what {
        0..4 if is_undo => {
            gives_up();
            (Some(Fault::Skipped), park.skip("operator", "it is settled by hand").await?)
        }
        4..8 if is_undo => (Some(Fault::UndoneByHand), park.resolved("operator", "it was given back by hand").await?),
        8 if cause == ParkCause::Panicked => {
            gives_up();
            (None, park.cancel("operator", "enough of it").await?)
        }
        _ => (None, park.retry("operator", "it is looked at").await?),
    })
}

/// How an instance has ended, as somebody is told who asks.
/// How an instance has ended, as somebody is told who asks.
pub async fn end_of<S>(crew: &Crew, id: &str) -> Option<Result<End<Vec<u32>, No>, Error>>
where
    S: Saga<Output = Vec<u32>, Refusal = No>,
{
    crew.ask(|runtime| {
        let id = id.to_owned();
        async move {
            let handle = runtime.get::<S>(&id).await?;
            let Some(handle) = handle else { return Ok(None) };
            timeout(Duration::from_secs(5), handle.result()).await.ok().transpose()
        }
    })
    .await?
    .transpose()
}
