//! A seed, from its beginning to its verdict.

use crate::{
    chaos,
    clients::{self, Asked, Order},
    crew::Crew,
    faults::{Counts, Fault},
    plan::Plan,
    sim::{Sim, Telling, lock},
    tour::{Leg, No, Tour},
};
use saga_runtime::{
    Cause, End, Saga,
    planted::snapshot_every,
    store::{Epoch, Filter, Instance, Store as _},
    verify::{Ledger, verify_by},
};
use std::{
    cell::Cell,
    sync::{Arc, Once},
    time::Duration,
};
use tokio::{
    runtime::Builder,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Once nothing goes wrong any more, everything has ended within this time, if clocks differ by no more than some seconds.
const PATIENCE: Duration = Duration::from_mins(15);

/// What is due by a clock that is ahead of the others is due when they say so.
const CLOCKS: Duration = Duration::from_hours(8);

/// What a seed came to.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// How many instances there were, children too.
    pub instances: usize,
    /// How many workers.
    pub workers: usize,
    /// What went wrong on purpose.
    pub counts: Counts,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// How much time passed in it.
    pub passed: Duration,
    /// Every line of it, if it was asked for.
    pub story: Vec<String>,
}

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Counts panics on each thread, beside printing them.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// Runs a seed, on this thread alone.
///
/// # Panics
/// This machine has no more memory for a runtime.
pub fn run(seed: u64, telling: Telling) -> Outcome {
    count_panics();
    PANICS.set(0);
    let runtime = repeatable(seed).start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads");
    let mut outcome = runtime.block_on(simulate(seed, telling));
    drop(runtime);
    if PANICS.get() > 0 {
        outcome.violations.push(format!("ends: {} panics in code that is not a step's", PANICS.get()));
    }
    outcome
}

/// A runtime that does the same each time. In tokio only an unstable option says which of those who wait for one thing is woken first.
fn repeatable(seed: u64) -> Builder {
    let mut builder = Builder::new_current_thread();
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    builder.enable_time();
    builder
}

/// Whether a seed does the same each time in this build.
pub const REPEATS: bool = cfg!(tokio_unstable);

async fn simulate(seed: u64, telling: Telling) -> Outcome {
    let sim = Arc::new(Sim::new(seed, telling));
    snapshot_every(sim.snapshots);
    let (workers, count, span, often) = {
        let mut dice = sim.dice();
        let most = [1, 2, 3, 8][dice.index(4)];
        let workers = 1 + dice.index(most);
        let most = [1, 2, 3, 3, 5, 5, 8, 8, 12, 12, 20, 20, 40, 200][dice.index(14)];
        let often = Duration::from_secs([3, 10, 30][dice.index(3)]);
        (workers, 1 + dice.index(most), Duration::from_secs(10 + dice.roll(90)), often)
    };
    sim.tell(|| {
        format!("seed {seed}: {count} instances, {workers} workers, a lease of {:?}, {:?}", sim.lease, sim.weather)
    });
    let crew = Crew::new(&sim, workers);
    let lives = crew.live();
    let asked = Arc::new(Asked::default());
    let operator = tokio::spawn(clients::operate(Arc::clone(&sim), Arc::clone(&crew), Arc::clone(&asked)));
    let orders: Vec<Order> = (0..count)
        .map(|number| {
            let mut dice = sim.dice();
            let plan = Plan::random(&mut dice);
            let deadline = dice.chance(4).then(|| Duration::from_secs(1 + dice.roll(60)));
            let after = dice.chance(5).then(|| Duration::from_secs(1 + dice.roll(60)));
            Order { id: format!("tour-{number}"), plan, deadline, after }
        })
        .collect();
    let mut clients = JoinSet::new();
    for order in &orders {
        let (sim, crew, asked) = (Arc::clone(&sim), Arc::clone(&crew), Arc::clone(&asked));
        sim.tell(|| format!("{}: {:?}", order.id, order.plan));
        clients.spawn(clients::order(sim, crew, asked, order.clone(), span / 2));
    }
    chaos::harm(&sim, &crew, span, often).await;
    sim.be_quiet();
    sim.tell(|| "nothing goes wrong any more".to_owned());
    let jumped = sim.counts().of(Fault::ClockJumped) > 0;
    let all = ends(&sim, &crew, &mut clients, if jumped { CLOCKS } else { PATIENCE }).await;
    operator.abort();
    if sim.violations().is_empty() {
        for order in &orders {
            judge(&sim, &crew, &asked, order).await;
        }
        for leg in all.iter().filter(|instance| &*instance.saga == "leg" && instance.parent.is_none()) {
            judge_launched(&sim, &crew, &asked, &leg.id).await;
        }
    }
    holds(&sim).await;
    drop(lives);
    Outcome {
        seed,
        instances: all.len(),
        workers,
        counts: sim.counts(),
        violations: sim.violations(),
        passed: sim.passed(),
        story: sim.story(),
    }
}

/// Waits until everything has ended, and says what there was.
async fn ends(sim: &Sim, crew: &Crew, clients: &mut JoinSet<()>, patience: Duration) -> Vec<Instance> {
    let late = Instant::now() + patience;
    let done = async { while clients.join_next().await.is_some() {} };
    if timeout(patience, done).await.is_err() {
        sim.violated("ends: somebody who started, or signalled, an instance was never answered");
    }
    loop {
        let all = sim.store.list(&Filter::default(), None, usize::MAX).await.unwrap_or_default();
        let open: Vec<&Instance> = all.iter().filter(|instance| !instance.status.is_end()).collect();
        // What has ended is let go of, too.
        let alive: Vec<Epoch> = crew.alive().iter().filter_map(|(_, life)| *lock(&life.link.epoch)).collect();
        let is_kept = |instance: &&Instance| instance.owner.is_some_and(|owner| alive.contains(&owner));
        let kept: Vec<&Instance> = all.iter().filter(is_kept).collect();
        if open.is_empty() && kept.is_empty() {
            return all;
        }
        if Instant::now() > late {
            for instance in open {
                let letters = sim.store.messages(instance.no).await;
                sim.tell(|| format!("{instance:?}, {letters:?}"));
                let Instance { saga, id, status, state, error, .. } = instance;
                sim.violated(format!("ends: {saga} {id} is {status:?} in {state:?} for ever ({error:?})"));
            }
            for instance in kept.iter().filter(|kept| kept.status.is_end()) {
                sim.violated(format!("ends: {} {} has ended, and is still somebody's", instance.saga, instance.id));
            }
            return all;
        }
        sleep(Duration::from_secs(2)).await;
    }
}

/// It ended as it may, and said so.
async fn judge(sim: &Sim, crew: &Crew, asked: &Asked, order: &Order) {
    let id = &order.id;
    let end = told::<Tour>(sim, crew, id).await;
    let may = order.plan.ends();
    let cancelled = lock(&asked.cancelled).contains(id);
    // One that waits for another saga gives up on it when somebody cancels that.
    let forsaken = order.plan.has_child() && lock(&asked.cancelled).iter().any(|id| !id.starts_with("tour-"));
    let fits = match &end {
        Some(End::Completed(got)) => may.completed && order.plan.returns(got) && !lock(&asked.granted).contains(id),
        Some(End::Compensated { cause, .. }) => match cause {
            Cause::Refused(no) => may.refused && order.plan.lets_out(no.0),
            Cause::Exhausted(exhausted) => (may.exhausted && exhausted.step() == "dare") || forsaken,
            // What another saga owes is owed by this one, too, which gives up for it.
            Cause::Cancelled(_) => cancelled || forsaken,
            Cause::Deadline => order.deadline.is_some(),
        },
        None => false,
    };
    if let Some(End::Completed(_)) = &end {
        sleeps_last(sim, order).await;
    }
    if !fits {
        sim.violated(format!("all or none: {id} cannot end like that: {end:?}, of {:?}", order.plan));
    }
}

/// How it ended, if anybody can say that.
async fn told<S>(sim: &Sim, crew: &Crew, id: &str) -> Option<End<Vec<u32>, No>>
where
    S: Saga<Output = Vec<u32>, Refusal = No>,
{
    for _ in 0..100 {
        match clients::end_of::<S>(crew, id).await {
            Some(Ok(told)) => return Some(told),
            Some(Err(error)) if !error.is_unavailable() && !error.is_fenced() => {
                sim.violated(format!("ends: nobody can say how {id} ended: {error}"));
                return None;
            }
            Some(Err(_)) | None => sleep(Duration::from_secs(1)).await,
        }
    }
    None
}

/// The same of what nobody waits for: whatever became of whoever launched it.
async fn judge_launched(sim: &Sim, crew: &Crew, asked: &Asked, id: &str) {
    let errand = sim.errand_of(id).await;
    let end = told::<Leg>(sim, crew, id).await;
    let fits = match (&end, &errand) {
        (Some(End::Completed(got)), Some(errand)) => !errand.is_refused() && errand.returns(got),
        (Some(End::Compensated { cause: Cause::Refused(_), .. }), Some(errand)) => errand.is_refused(),
        (Some(End::Compensated { cause: Cause::Cancelled(_), .. }), _) => lock(&asked.cancelled).contains(id),
        _ => false,
    };
    if !fits {
        sim.violated(format!("all or none: {id} cannot end like that: {end:?}, of {errand:?}"));
    }
}

/// The difference of two workers' clocks that nobody sets, and some more.
pub(crate) const APART: Duration = Duration::from_secs(5);

/// What slept was asleep for as long as it was to be, as far as clocks tell.
async fn sleeps_last(sim: &Sim, order: &Order) {
    if sim.has_set_a_clock() {
        return;
    }
    let Ok(Some(instance)) = sim.store.find("tour", &order.id).await else { return };
    let least: Duration = order.plan.sleeps().map(|sleep| sleep.saturating_sub(APART)).sum();
    let passed = instance.ended_at.unwrap_or(i64::MAX).saturating_sub(instance.started_at);
    let passed = Duration::from_micros(u64::try_from(passed).unwrap_or_default()) + APART;
    if passed < least {
        sim.violated(format!("ends: {} was over after {passed:?}, and sleeps for {least:?}", order.id));
    }
}

/// What the store and the participants have is as it was promised.
async fn holds(sim: &Sim) {
    let effects = lock(&sim.participants).ledger.clone();
    let ledger = Ledger { effects, collected_at: i64::MAX };
    match verify_by(&sim.store, &ledger, &[Tour::definition(), Leg::definition()]).await {
        Ok(verdict) => {
            for violation in verdict.violations {
                sim.violated(violation.to_string());
            }
        }
        Err(error) => sim.violated(format!("chain: the store cannot be read: {error}")),
    }
}
