//! Several workers on one store: leases, takeovers, what one tells the other (rules 28 and 32; DESIGN.md section 4, promise 5).

use crate::{
    Lab, end,
    saga::{Newer, Scripted, script},
    until,
    world::Act,
};
use saga_runtime::{
    Builder, End, Handle, Runtime, Settled,
    clock::{Clock, Sleeping},
    store::{Epoch, Micros, Status, Store, StoreError, memory::Memory},
    testing::{Faulty, Lost, TokioClock},
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const LEASE: Duration = Duration::from_secs(15);

/// Participants, a store, and workers beside one another.
struct Office {
    lab: Lab,
    store: Memory,
}

impl Office {
    fn new() -> Self {
        Self { lab: Lab::new(), store: Memory::with_lease(LEASE) }
    }

    fn builder(&self) -> Builder {
        self.on(Arc::new(self.store.another()))
    }

    fn on(&self, store: Arc<dyn Store>) -> Builder {
        self.lab.builder().shared_store(store)
    }

    async fn worker(&self) -> Runtime {
        self.builder().register(Scripted(self.lab.world.clone())).start().await.expect("it starts")
    }

    /// A worker, and its way to the store.
    async fn worker_on_a_line(&self) -> (Runtime, Arc<Faulty>) {
        let line = Arc::new(Faulty::new(Arc::new(self.store.another())));
        let builder = self.on(Arc::clone(&line) as Arc<dyn Store>).register(Scripted(self.lab.world.clone()));
        (builder.start().await.expect("it starts"), line)
    }

    /// Waits until this was asked so many times.
    async fn asked(&self, what: &str, times: usize) {
        until(|| self.lab.world.about(what).len() == times).await;
    }

    async fn owner(&self, id: &str) -> Option<i64> {
        let found = self.store.find("scripted", id).await.expect("the store answers").expect("it is there");
        found.owner.map(|epoch| epoch.0)
    }
}

/// A machine's clock, which goes on while the machine is suspended and nothing else does.
#[derive(Debug)]
struct Suspended {
    clock: Arc<TokioClock>,
    for_so_long: AtomicI64,
}

impl Clock for Suspended {
    fn now(&self) -> Micros {
        self.clock.now() + self.for_so_long.load(Ordering::Relaxed)
    }

    fn sleep_until(&self, at: Micros) -> Sleeping<'_> {
        self.clock.sleep_until(at - self.for_so_long.load(Ordering::Relaxed))
    }
}

/// When the next attempt was due, a worker had said by a clock that is ahead of the next owner's.
#[tokio::test(start_paused = true)]
async fn rule_6_an_attempt_that_died_with_its_worker_is_in_doubt_whatever_the_clocks_say() {
    for ahead in [5_000_000, 3 * 3_600_000_000] {
        let office = Office::new();
        let clock = Arc::new(Suspended { clock: Arc::clone(&office.lab.clock), for_so_long: AtomicI64::new(ahead) });
        let store = Arc::new(office.store.another());
        let builder = office.on(Arc::clone(&store) as Arc<dyn Store>).clock(clock as Arc<dyn Clock>);
        let first = builder.register(Scripted(office.lab.world.clone())).start().await.expect("it starts");
        office.lab.world.plan("a", [Act::NoEffect, Act::Hang, Act::Slow(20_000)]);
        first.start::<Scripted>("1", script("book:a")).await.expect("it is started");
        office.asked("a", 2).await;
        let epoch = office.owner("1").await.expect("it runs");
        drop(first);
        store.retire(Epoch(epoch)).await.expect("the store answers");
        let second = office.worker().await;
        while office.owner("1").await == Some(epoch) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(handle(&second, "1").await.cancel("enough").await.expect("decided").granted);
        assert!(end(&handle(&second, "1").await).await.cause().is_some());
        let undone = office.lab.world.about("undo a").len();
        assert_eq!(undone, 1, "{ahead} µs ahead: {:?}", office.lab.world.whats());
    }
}

/// The same of an undo: what was lost counts.
#[tokio::test(start_paused = true)]
async fn rule_14_an_attempt_of_an_undo_that_died_with_its_worker_counts_whatever_the_clocks_say() {
    let office = Office::new();
    let ahead = AtomicI64::new(3 * 3_600_000_000);
    let clock = Arc::new(Suspended { clock: Arc::clone(&office.lab.clock), for_so_long: ahead });
    let store = Arc::new(office.store.another());
    let builder = office.on(Arc::clone(&store) as Arc<dyn Store>).clock(clock as Arc<dyn Clock>);
    let first = builder.register(Scripted(office.lab.world.clone())).start().await.expect("it starts");
    office.lab.world.plan("b", [Act::Refuse]);
    office.lab.world.plan("undo a", [Act::Later(1), Act::Hang]);
    first.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
    office.asked("undo a", 2).await;
    let epoch = office.owner("1").await.expect("it runs");
    drop(first);
    store.retire(Epoch(epoch)).await.expect("the store answers");
    let second = office.worker().await;
    assert!(end(&handle(&second, "1").await).await.cause().is_some());
    assert_eq!(office.lab.world.about("undo a").len(), 3, "{:?}", office.lab.world.whats());
    let no = office.store.find("scripted", "1").await.expect("the store answers").expect("it is there").no;
    let rows = office.store.journal(no, 1, 1_000).await.expect("the store answers");
    assert_eq!(rows.iter().filter(|row| row.event.contains("recovered")).count(), 1, "{rows:?}");
}

/// A worker stands still while the next attempt is near, and finds its lease over when it wakes.
#[tokio::test(start_paused = true)]
async fn rule_10_no_attempt_begins_before_a_worker_that_stood_still_knows_that_it_lives() {
    for (undo, dead) in [(false, false), (false, true), (true, false), (true, true)] {
        let office = Office::new();
        let clock = Arc::new(Suspended { clock: Arc::clone(&office.lab.clock), for_so_long: AtomicI64::new(0) });
        let store = Arc::new(office.store.another());
        let builder = office.on(Arc::clone(&store) as Arc<dyn Store>).clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let sleepy = builder.register(Scripted(office.lab.world.clone())).start().await.expect("it starts");
        let living = office.worker().await;
        let (what, plan) = if undo { ("undo a", "book:a book:b") } else { ("b", "book:a book:b") };
        office.lab.world.plan(what, [Act::Later(1)]);
        if undo {
            office.lab.world.plan("b", [Act::Refuse]);
        }
        sleepy.start::<Scripted>("1", script(plan)).await.expect("it is started");
        office.asked(what, 1).await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        let begun = Instant::now();
        if dead {
            let epoch = office.owner("1").await.expect("it runs");
            store.retire(Epoch(epoch)).await.expect("the store answers");
        }
        let lease = i64::try_from(LEASE.as_micros()).expect("it is short");
        clock.for_so_long.store(lease, Ordering::Relaxed);
        end(&handle(&living, "1").await).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(office.lab.world.about(what).len(), 2, "undo: {undo}, dead: {dead}: {:?}", office.lab.world.whats());
        let sent = office.lab.world.about(what);
        assert_eq!(sent[0].key, sent[1].key);
        sleepy.ready().expect("it lives again");
        if !dead {
            assert!(begun.elapsed() < Duration::from_secs(32), "{:?}", begun.elapsed());
        }
    }
}

async fn handle(runtime: &Runtime, id: &str) -> Handle<Scripted> {
    runtime.get::<Scripted>(id).await.expect("the store answers").expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn rule_28_what_a_dead_worker_had_is_taken_over_within_a_lease_and_a_second() {
    let office = Office::new();
    office.lab.world.plan("b", [Act::Hang]);
    let dead = office.worker().await;
    let living = office.worker().await;
    dead.start::<Scripted>("1", script("book:a book:b pay:p")).await.expect("it is started");
    office.asked("b", 1).await;
    // Not at a moment at which a lease has just been renewed.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let died = Instant::now();
    drop(dead);
    assert_eq!(end(&handle(&living, "1").await).await, End::Completed(vec!["a!".into(), "b!".into(), "p!".into()]));
    let took = died.elapsed();
    assert!(took <= LEASE + Duration::from_secs(1), "{took:?}");
    let b = office.lab.world.about("b");
    assert_eq!((b.len(), &b[0].key, b[1].attempt), (2, &b[1].key, 2), "under the same key, and counted");
    assert_eq!(office.lab.world.about("a").len(), 1, "what was recorded is not done again");
}

#[tokio::test(start_paused = true)]
async fn what_is_run_elsewhere_is_started_signalled_looked_at_and_cancelled_here_and_nothing_of_it_is_run() {
    let office = Office::new();
    let server = office.builder().elsewhere::<Scripted>().start().await.expect("it starts");
    let first = server.start::<Scripted>("1", script("book:a book:b pay:p")).await.expect("it is started");
    let again = server.start::<Scripted>("1", script("book:a book:b pay:p")).await.expect("it is the same");
    assert_eq!(first.id(), again.id());
    let other = server.start::<Scripted>("1", script("book:x")).await.expect_err("it has another input");
    assert!(other.is_conflict(), "{other}");
    tokio::time::sleep(LEASE * 2).await;
    assert!(office.lab.world.whats().is_empty(), "it is nobody's");
    assert_eq!(server.running(), 0);
    let worker = office.worker().await;
    assert!(matches!(end(&first).await, End::Completed(_)));
    let begun = Instant::now();
    office.lab.world.plan("d", [Act::Slow(20_000)]);
    let second = server.start::<Scripted>("2", script("book:c book:d book:e")).await.expect("it is started");
    office.asked("d", 1).await;
    assert!(begun.elapsed() < Duration::from_millis(100), "the worker heard of it at once: {:?}", begun.elapsed());
    second.cancel("enough").await.expect("the worker decides it");
    assert!(matches!(end(&second).await, End::Compensated { .. }), "{:?}", second.status().await);
    assert!(office.lab.world.about("e").is_empty());
    // Whoever takes over what a dead worker had does not take what it does not run.
    office.lab.world.plan("f", [Act::Hang]);
    let third = server.start::<Scripted>("3", script("book:f")).await.expect("it is started");
    office.asked("f", 1).await;
    drop(worker);
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!((server.running(), office.lab.world.about("f").len()), (0, 1));
    let _worker = office.worker().await;
    assert!(matches!(end(&third).await, End::Completed(_)));
    server.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_in_good_order_hands_over_at_once() {
    let office = Office::new();
    office.lab.world.plan("b", [Act::Hang]);
    let stopping = office.worker().await;
    let living = office.worker().await;
    let saga = stopping.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
    office.asked("b", 1).await;
    let stopped = Instant::now();
    stopping.shutdown(Duration::ZERO).await;
    assert!(saga.result().await.is_err());
    end(&handle(&living, "1").await).await;
    assert!(stopped.elapsed() < Duration::from_millis(100), "{:?}", stopped.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_long_stop_is_no_death() {
    let office = Office::new();
    office.lab.world.plan("a", [Act::Slow(28_000)]);
    let stopping = office.worker().await;
    let living = office.worker().await;
    stopping.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
    office.asked("a", 1).await;
    stopping.shutdown(Duration::from_secs(90)).await;
    end(&handle(&living, "1").await).await;
    assert_eq!(office.lab.world.whats(), ["a", "b"], "the attempt that was under way was waited for");
}

#[tokio::test(start_paused = true)]
async fn rule_28_one_that_was_taken_for_dead_changes_nothing_and_lives_again() {
    let office = Office::new();
    let (cut_off, line) = office.worker_on_a_line().await;
    let living = office.worker().await;
    // It answers after the worker was taken for dead, and before it knows.
    office.lab.world.plan("b", [Act::Slow(40_000)]);
    cut_off.start::<Scripted>("1", script("book:a book:b book:c")).await.expect("it is started");
    office.asked("b", 1).await;
    let before = office.owner("1").await;
    line.leave("the line is cut");
    until(|| office.lab.world.about("c").len() == 1).await;
    end(&handle(&living, "1").await).await;
    assert!(cut_off.ready().is_err(), "it is not ready while it cannot write");
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(office.lab.world.whats(), ["a", "b", "b", "c"], "the other one went on, and it did nothing more");
    line.come_back();
    let again = async {
        while cut_off.ready().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("it lives again");
    assert_eq!(cut_off.running(), 0, "it has dropped what it lost");
    assert_ne!(office.owner("1").await, before);
    let saga = cut_off.start::<Scripted>("2", script("book:x")).await.expect("it works as before");
    assert_eq!(end(&saga).await, End::Completed(vec!["x!".into()]));
    let told = handle(&cut_off, "1").await;
    assert!(matches!(end(&told).await, End::Completed(_)), "what the other did is read as if it had done so itself");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_all_makes_nobody_dead_and_what_was_done_is_kept() {
    let office = Office::new();
    let (first, one) = office.worker_on_a_line().await;
    let (second, other) = office.worker_on_a_line().await;
    office.lab.world.plan("b", [Act::Slow(5_000)]);
    office.lab.world.plan("y", [Act::Slow(5_000)]);
    let saga = first.start::<Scripted>("1", script("book:a book:b book:c")).await.expect("it is started");
    let twin = second.start::<Scripted>("2", script("book:x book:y book:z")).await.expect("it is started");
    office.asked("b", 1).await;
    office.asked("y", 1).await;
    one.leave("the server restarts");
    other.leave("the server restarts");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(office.lab.world.whats().len(), 4, "no new effect begins meanwhile");
    assert!(first.ready().is_err() && second.ready().is_err());
    // One of them comes back first, and does not take the other's work.
    one.come_back();
    tokio::time::sleep(Duration::from_secs(5)).await;
    other.come_back();
    end(&saga).await;
    end(&twin).await;
    assert_eq!(office.lab.world.about("b").len() + office.lab.world.about("y").len(), 2, "the results were kept");
}

/// Nothing tells whether a release without a row was written, so it is written again: perhaps after the instance was claimed, by the
/// same worker or by another one.
#[tokio::test(start_paused = true)]
async fn rule_28_what_is_let_go_once_more_because_the_answer_was_lost_has_one_owner() {
    for (commit, both) in [(2, false), (3, false), (2, true), (3, true)] {
        for millis in (0..1_000).step_by(70) {
            let office = Office::new();
            let (first, one) = office.worker_on_a_line().await;
            let (_second, other) = office.worker_on_a_line().await;
            office.lab.world.plan("a", [Act::Later(3), Act::Slow(15_000)]);
            one.lose(commit, Lost::Answer);
            one.lose(commit + 1, Lost::Everything);
            let saga = first.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
            until(|| one.commits() > commit).await;
            one.leave("the server restarts");
            if both {
                other.leave("the server restarts");
            }
            // By then it wants to run again, and whoever writes finds the store back before or after whoever claims.
            tokio::time::sleep(Duration::from_millis(8_000 + millis)).await;
            one.come_back();
            tokio::time::sleep(Duration::from_secs(2)).await;
            other.come_back();
            assert!(matches!(end(&saga).await, End::Completed(_)), "commit {commit}, {both}, {millis}");
            assert_eq!(office.lab.world.whats(), ["a", "a", "b"], "commit {commit}, {both}, {millis}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_end_looks_when_news_were_missed() {
    let office = Office::new();
    let owner = office.worker().await;
    let (other, line) = office.worker_on_a_line().await;
    office.lab.world.plan("a", [Act::Slow(28_000)]);
    owner.start::<Scripted>("1", script("book:a")).await.expect("it is started");
    let saga = handle(&other, "1").await;
    let waiting = tokio::spawn(async move { saga.result().await });
    // It is looked for after one second, three, seven, fifteen, thirty-one and so on.
    tokio::time::sleep(Duration::from_secs(20)).await;
    line.leave("the line is cut");
    tokio::time::sleep(Duration::from_millis(8_500)).await;
    line.come_back();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(waiting.is_finished(), "it ended while nothing was heard, and nobody looked");
    assert!(matches!(waiting.await.expect("it does not panic"), Ok(End::Completed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_life_that_is_lost_during_a_long_stop_ends_it() {
    let office = Office::new();
    let (stopping, line) = office.worker_on_a_line().await;
    let living = office.worker().await;
    office.lab.world.plan("a", [Act::Slow(100_000)]);
    stopping.start::<Scripted>("1", script("brief:z book:b eager:a")).await.expect("it is started");
    office.asked("a", 1).await;
    let stop = tokio::spawn(async move { stopping.shutdown(Duration::from_secs(90)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    line.leave("the line is cut");
    office.asked("a", 2).await;
    line.come_back();
    stop.await.expect("it does not panic");
    let took = begun.elapsed();
    assert!(took < LEASE + Duration::from_secs(3), "what ran in a life that is over went on for {took:?}");
    end(&handle(&living, "1").await).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_a_worker_cannot_decide_cost_it_nothing() {
    let office = Office::new();
    let owner = office.worker().await;
    // Nobody can say whether there is a way back while a pivot is under way.
    let mut waiting = Vec::new();
    for id in 0..40 {
        office.lab.world.plan(&format!("p{id}"), [Act::Slow(120_000)]);
        owner.start::<Scripted>(id.to_string(), script(&format!("once:p{id}"))).await.expect("it is started");
    }
    let line = Arc::new(Faulty::new(Arc::new(office.store.another())));
    let builder = office.on(Arc::clone(&line) as Arc<dyn Store>).register(Newer(office.lab.world.clone()));
    let other = builder.start().await.expect("it starts");
    for id in 0..40 {
        let saga = handle(&owner, &id.to_string()).await;
        waiting.push(tokio::spawn(async move { saga.cancel("enough").await }));
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = line.operations();
    tokio::time::sleep(Duration::from_secs(20)).await;
    // It looks for work each second, and for requests and at its lease each five.
    let done = line.operations() - before;
    assert!(done < 60, "{done} operations in 20 seconds");
    drop(other);
    for answer in waiting {
        answer.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn rule_32_what_was_given_back_is_not_taken_again_for_a_request() {
    let office = Office::new();
    office.lab.world.plan("a", [Act::Hang]);
    let dead = office.worker().await;
    dead.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
    office.asked("a", 1).await;
    drop(dead);
    let line = Arc::new(Faulty::new(Arc::new(office.store.another())));
    let builder = office.on(Arc::clone(&line) as Arc<dyn Store>).register(Newer(office.lab.world.clone()));
    let unknowing = builder.start().await.expect("it starts");
    let found = async || office.store.find("scripted", "1").await.expect("it answers").expect("it is there");
    while found().await.status != Status::WaitsForBuild {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = unknowing.get::<Newer>("1").await.expect("it answers").expect("it is there");
    let cancel = tokio::spawn(async move { asked.cancel("enough").await });
    tokio::time::sleep(Duration::from_secs(5)).await;
    let commits = line.commits();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(line.commits(), commits, "it takes and gives back without end");
    // One that knows it decides.
    let _knowing = office.worker().await;
    assert!(cancel.await.expect("it does not panic").expect("the store answers").granted);
}

/// A start whose life ends before it is answered, in every way in which that can happen.
#[tokio::test(start_paused = true)]
async fn a_start_at_the_end_of_a_life_is_answered_with_what_became_of_it_and_never_made_twice() {
    for (lost, labelled, taken) in [
        (Lost::Answer, false, false),
        (Lost::Answer, true, false),
        (Lost::Everything, false, false),
        (Lost::Everything, true, false),
        (Lost::Everything, false, true),
    ] {
        let office = Office::new();
        let (cut_off, line) = office.worker_on_a_line().await;
        let living = office.worker().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        line.lose(1, lost);
        // Nor can it be read at once what became of it.
        line.fail(line.operations() + 2, StoreError::Unavailable("the line is bad".into()));
        let starting = tokio::spawn({
            let cut_off = cut_off.clone();
            async move {
                let start = cut_off.start::<Scripted>("1", script("book:a"));
                if labelled { start.label("customer", "ada").await } else { start.await }
            }
        });
        until(|| line.commits() == 1).await;
        line.leave("the line is cut");
        tokio::time::sleep(2 * LEASE).await;
        assert!(!starting.is_finished(), "nobody can know yet");
        if taken {
            living.start::<Scripted>("1", script("book:a")).await.expect("nobody has it");
        }
        line.come_back();
        let saga = starting.await.expect("it does not panic").unwrap_or_else(|error| panic!("{lost:?}: {error}"));
        assert_eq!(end(&saga).await, End::Completed(vec!["a!".into()]));
        assert_eq!(office.lab.world.whats(), ["a"], "{lost:?}, labelled: {labelled}, taken: {taken}");
    }
}

#[tokio::test(start_paused = true)]
async fn starts_between_two_lives_wait_for_the_next_one() {
    for operation in 1..=12 {
        let office = Office::new();
        let (cut_off, line) = office.worker_on_a_line().await;
        let _living = office.worker().await;
        line.leave("the line is cut");
        tokio::time::sleep(2 * LEASE).await;
        line.come_back();
        // Also where the next life does not begin at once.
        line.fail(line.operations() + operation, StoreError::Unavailable("not yet".into()));
        for id in 0..60 {
            let saga = loop {
                match cut_off.start::<Scripted>(id.to_string(), script(&format!("book:{id}"))).await {
                    Ok(saga) => break saga,
                    Err(error) => assert!(error.is_unavailable(), "operation {operation}, {id}: {error}"),
                }
            };
            end(&saga).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let started: Vec<String> = (0..60).map(|id| id.to_string()).collect();
        assert_eq!(office.lab.world.whats(), started, "each is made once");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_not_answered_during_a_takeover_nothing_is_left_with_one_that_does_not_run_it() {
    for operation in 1..=40 {
        let office = Office::new();
        office.lab.world.plan("b", [Act::Hang]);
        let leaving = office.worker().await;
        leaving.start::<Scripted>("1", script("book:a book:b pay:p")).await.expect("it is started");
        office.asked("b", 1).await;
        let (heir, line) = office.worker_on_a_line().await;
        let saga = handle(&heir, "1").await;
        line.fail(line.operations() + operation, StoreError::InDoubt("no answer".into()));
        leaving.shutdown(Duration::ZERO).await;
        let day = Duration::from_hours(24);
        let ended = async {
            loop {
                match saga.settled().await {
                    Ok(settled) => return settled,
                    Err(error) => assert!(error.is_unavailable(), "operation {operation}: {error}"),
                }
            }
        };
        let settled = tokio::time::timeout(day, ended).await.unwrap_or_else(|_| panic!("operation {operation}"));
        assert!(matches!(settled, Settled::Ended(End::Completed(_))), "operation {operation}: {settled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_and_ends_are_told_between_workers_without_delay() {
    let office = Office::new();
    let owner = office.worker().await;
    let other = office.worker().await;
    office.lab.world.plan("a", [Act::Park]);
    let saga = owner.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
    office.lab.parked(&saga).await;
    let begun = Instant::now();
    let park = handle(&other, "1").await.park().await.expect("the store answers").expect("it is parked");
    assert!(park.retry("ann", "try again").await.expect("decided").granted);
    end(&handle(&other, "1").await).await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    // One that runs at the other: whoever asks is answered by the row that its owner writes.
    office.lab.world.plan("p", [Act::Fail, Act::Fail, Act::Fail]);
    owner.start::<Scripted>("2", script("book:x look:p")).await.expect("it is started");
    office.asked("p", 1).await;
    assert!(handle(&other, "2").await.cancel("enough").await.expect("decided").granted);
    assert!(matches!(end(&handle(&other, "2").await).await, End::Compensated { .. }));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn rule_32_a_state_that_one_worker_does_not_know_goes_to_the_one_that_does_in_whatever_order_they_came() {
    for knowing_first in [true, false] {
        let office = Office::new();
        office.lab.world.plan("a", [Act::Hang]);
        let dead = office.worker().await;
        dead.start::<Scripted>("1", script("book:a book:b")).await.expect("it is started");
        office.asked("a", 1).await;
        let newer = || office.builder().register(Newer(office.lab.world.clone()));
        let (knowing, unknowing) = if knowing_first {
            let knowing = office.worker().await;
            (knowing, newer().start().await.expect("it starts"))
        } else {
            let unknowing = newer().start().await.expect("it starts");
            // It has had it, and has given it back, before the other one is there.
            drop(dead);
            let given_back = async {
                while office.store.find("scripted", "1").await.expect("it answers").expect("it is there").status
                    != Status::WaitsForBuild
                {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(2 * LEASE, given_back).await.expect("it is given back");
            tokio::time::sleep(3 * LEASE).await;
            (office.worker().await, unknowing)
        };
        // If both are there, either may be the first to take it.
        end(&handle(&knowing, "1").await).await;
        assert_eq!(office.lab.world.whats(), ["a", "a", "b"]);
        drop(unknowing);
    }
}

#[tokio::test(start_paused = true)]
async fn workers_that_come_and_go_under_load_lose_nothing() {
    for seed in 0..8_u64 {
        let office = Office::new();
        let mut random = seed;
        let mut next = move || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        let mut workers = vec![office.worker().await];
        let mut ids = Vec::new();
        for round in 0..30 {
            for _ in 0..next() % 8 {
                let id = ids.len().to_string();
                office.lab.world.plan(&format!("b{id}"), [Act::Slow(next() % 9_000)]);
                let plan = script(&format!("book:a{id} book:b{id} pay:p{id}"));
                let at = usize::try_from(next()).expect("it is small") % workers.len();
                if workers[at].start::<Scripted>(&id, plan).await.is_ok() {
                    ids.push(id);
                }
            }
            match next() % 4 {
                0 => workers.push(office.worker().await),
                1 if workers.len() > 1 => drop(workers.swap_remove(0)),
                2 if workers.len() > 1 => workers.swap_remove(0).shutdown(Duration::from_secs(next() % 4)).await,
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(next() % 6_000)).await;
            assert!(!workers.is_empty(), "round {round}");
        }
        for id in &ids {
            let saga = handle(&workers[0], id).await;
            let month = Duration::from_hours(30 * 24);
            let ended = tokio::time::timeout(month, saga.settled()).await;
            let ended = ended.unwrap_or_else(|_| panic!("seed {seed}: {id} does not end")).expect("the store answers");
            let Settled::Ended(End::Completed(_)) = ended else { panic!("seed {seed}: {id}: {ended:?}") };
            for step in ["a", "b", "p"] {
                let got = office.lab.world.about(&format!("{step}{id}"));
                let keys: HashSet<_> = got.iter().map(|got| &got.key).collect();
                assert_eq!(keys.len(), 1, "seed {seed}: {step}{id} was called under {keys:?}");
            }
        }
        assert!(ids.len() > 30, "seed {seed}: there was no load");
    }
}
