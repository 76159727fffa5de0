//! Branches on the engine: at the same time, so many at a time, undone exactly.

use saga_runtime::{
    prelude::*,
    store::{Store, memory::Memory},
    testing::TokioClock,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Refusal)]
enum No {
    Full(String),
}

/// What happened, and how many calls are under way.
#[derive(Debug, Clone, Default)]
struct World {
    said: Arc<Mutex<Vec<String>>>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl World {
    fn say(&self, what: String) {
        self.said.lock().expect("nobody panics with it").push(what);
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().expect("nobody panics with it").clone()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Party {
    guests: Vec<String>,
    at_a_time: usize,
}

/// Seats a party, and the cloakroom at the same time.
struct Seats(World);

#[saga(name = "seats")]
impl Seats {
    #[flow]
    async fn run(&self, cx: &FlowContext, party: Party) -> Result<usize, Unwind<No>> {
        #[state("door")]
        let door = self.seat(cx, "door").await?;
        let seats = match cx.join_all(&party.guests, party.at_a_time, |guest| self.seat(cx, guest)).await {
            Ok(seats) => seats,
            Err(Failure::Refused(No::Full(guest))) => {
                // What the join completed is undone by now, and what came before it is not.
                let (one, two) = join!(self.seat(cx, &guest.replace("no", "yes")), self.coat(cx, &guest)).await?;
                vec![one, two]
            }
            Err(other) => return Err(other.into()),
        };
        self.close(cx, seats.iter().chain([&door]).map(String::len).sum()).await?;
        Ok(seats.len())
    }

    #[flow(inner)]
    async fn coat(&self, cx: &FlowContext, guest: &str) -> Result<String, Unwind<No>> {
        #[state("hook")]
        let hook = self.seat(cx, "hook").await?;
        cx.sleep("400d").await;
        let tag = self.seat(cx, guest.trim_start_matches("no ")).await?;
        Ok(format!("{hook}, {tag}"))
    }

    #[step(retry(initial = "1ms", max = "1ms"))]
    async fn seat(&self, cx: &StepContext, guest: &str) -> Result<String, Failure<No>> {
        let inside = self.0.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(inside, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
        if guest.starts_with("no") {
            return Err(No::Full(guest.to_owned()).into());
        }
        if guest.starts_with("stranger") {
            return Err(Transient::park("who is that?").into());
        }
        if guest.starts_with("late") && cx.attempt() == 1 {
            return Err(Transient::new("not there yet").into());
        }
        self.0.say(format!("{guest} {}", cx.key()));
        Ok(guest.to_owned())
    }

    #[compensate(seat)]
    async fn free(&self, cx: &StepContext, guest: &str) -> Result<(), Transient> {
        self.0.say(format!("undo {guest} {}", cx.undoes().unwrap_or_default()));
        Ok(())
    }

    #[step(pivot)]
    async fn close(&self, cx: &StepContext, letters: usize) -> Result<(), Failure<No>> {
        self.0.say(format!("close {letters} {}", cx.key()));
        if letters == 0 { Err(No::Full(String::new()).into()) } else { Ok(()) }
    }
}

async fn seat(world: &World, guests: Vec<String>, at_a_time: usize) -> End<usize, No> {
    let runtime = Runtime::builder()
        .clock(Arc::new(TokioClock::at(0)))
        .store(Memory::default())
        .register(Seats(world.clone()))
        .start()
        .await;
    let runtime = runtime.expect("it starts");
    let saga = runtime.start::<Seats>("1", Party { guests, at_a_time }).await.expect("it is started");
    let years = Duration::from_hours(24 * 1_000);
    let Ok(end) = tokio::time::timeout(years, saga.result()).await else {
        panic!("it does not end\n{}", saga.timeline().await.expect("it can be read"))
    };
    end.expect("it ends")
}

/// What was said without the keys.
fn bare(said: &[String]) -> Vec<&str> {
    said.iter().map(|said| said.rsplit_once(' ').map_or("", |(what, _)| what)).collect()
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_items_in_one_fan_out_run_so_many_at_a_time_each_under_its_own_key() {
    let world = World::default();
    let guests = (0..10_000).map(|guest| if guest % 100 == 7 { format!("late {guest}") } else { format!("g{guest}") });
    let end = seat(&world, guests.collect(), 64).await;
    assert!(matches!(end, End::Completed(10_000)), "{end:?}");
    assert_eq!(world.most.load(Ordering::SeqCst), 64);
    let mut keys: Vec<String> =
        world.said().iter().filter_map(|said| Some(said.rsplit_once(' ')?.1.to_owned())).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 10_002, "the door, every guest, and the pivot");
}

#[tokio::test(start_paused = true)]
async fn rule_18_a_refusal_undoes_exactly_what_the_join_completed_before_the_flow_sees_it() {
    let world = World::default();
    let guests = ["a", "b", "c", "no room", "d", "e", "f"].map(String::from).to_vec();
    let end = seat(&world, guests, 4).await;
    assert!(matches!(end, End::Completed(2)), "{end:?}");
    let said = world.said();
    let mut said = bare(&said);
    // Which of those that ran at the same time came first is of no consequence.
    said[1..4].sort_unstable();
    said[4..7].sort_unstable();
    said[7..9].sort_unstable();
    let rest = ["undo a", "undo b", "undo c", "hook", "yes room", "room", "close 22"];
    assert_eq!(said[..4], ["door", "a", "b", "c"]);
    assert_eq!(said[4..], rest);
}

#[tokio::test(start_paused = true)]
async fn a_join_that_is_interrupted_anywhere_runs_again_only_what_has_no_answer() {
    for life in 1..80 {
        let world = World::default();
        let store = Arc::new(Memory::default());
        let start = |store: &Arc<Memory>| {
            Runtime::builder()
                .clock(Arc::new(TokioClock::at(0)))
                .shared_store(Arc::clone(store) as Arc<dyn Store>)
                .register(Seats(world.clone()))
                .start()
        };
        let party = Party { guests: ["a", "b", "late c", "d", "no e", "f"].map(String::from).to_vec(), at_a_time: 2 };
        let runtime = start(&store).await.expect("it starts");
        runtime.start::<Seats>("1", party.clone()).await.expect("it is started");
        tokio::time::sleep(Duration::from_millis(life)).await;
        drop(runtime);
        let runtime = start(&store).await.expect("it starts");
        let saga = runtime.start::<Seats>("1", party).await.expect("it is there");
        let end = tokio::time::timeout(Duration::from_hours(24 * 1_000), saga.result()).await;
        let timeline = saga.timeline().await.expect("it can be read");
        assert!(matches!(end, Ok(Ok(End::Completed(2)))), "after {life} ms: {end:?}\n{timeline}");
        let said = world.said();
        for once in ["door", "hook", "yes e", "e", "close 16"] {
            assert!(bare(&said).contains(&once), "after {life} ms: no {once}\n{timeline}");
        }
        // Effects are known by their keys: whatever the join completed is undone, and nothing else is.
        let is_guest = |what: &str| ["a", "b", "late c", "d", "f"].contains(&what);
        for (what, key) in said.iter().filter_map(|said| said.rsplit_once(' ')) {
            let undone = said.iter().any(|said| said.starts_with("undo") && said.ends_with(key));
            assert!(what.starts_with("undo") || undone == is_guest(what), "after {life} ms: {what}\n{timeline}");
        }
        for (at, what) in said.iter().enumerate().filter(|(_, what)| what.starts_with("undo")) {
            let undone = what.rsplit_once(' ').expect("with a key").1;
            let after = said[at..].iter().any(|said| !said.starts_with("undo") && said.ends_with(undone));
            assert!(!after, "after {life} ms: made again after its undo: {what}\n{timeline}");
        }
    }
}

/// A slow call beside a short sleep.
struct Beside(World);

#[saga(name = "beside")]
impl Beside {
    #[signal]
    const GO: Signal<Self, String> = Signal::new("go");

    #[flow]
    async fn run(&self, cx: &FlowContext, table: u32) -> Result<(), Unwind<No>> {
        cx.set_label("table", table);
        let (_slow, _nap, _told) = join!(self.slow(cx), self.nap(cx), self.told(cx)).await?;
        Ok(())
    }

    #[flow(inner)]
    async fn nap(&self, cx: &FlowContext) -> Result<(), Unwind<No>> {
        cx.sleep("1s").await;
        self.quick(cx, "after a nap").await?;
        Ok(())
    }

    #[flow(inner)]
    async fn told(&self, cx: &FlowContext) -> Result<(), Unwind<No>> {
        let Ok(word) = cx.wait(Self::GO).within("2s").await else {
            self.quick(cx, "not told").await?;
            return Ok(());
        };
        #[state("word")]
        self.quick(cx, &word).await?;
        Ok(())
    }

    #[step(no_compensation = "a test", timeout = "1m")]
    async fn slow(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        tokio::time::sleep(Duration::from_secs(20)).await;
        self.0.say(format!("slow {}", cx.key()));
        Ok(())
    }

    #[step(no_compensation = "a test")]
    async fn quick(&self, cx: &StepContext, what: &str) -> Result<(), Failure<No>> {
        self.0.say(format!("{what} {}", cx.key()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_waits_is_not_kept_waiting_by_one_that_works() {
    let world = World::default();
    let runtime = Runtime::builder().clock(Arc::new(TokioClock::at(0))).store(Memory::default());
    let runtime = runtime.register(Beside(world.clone())).start().await.expect("it starts");
    let saga = runtime.start::<Beside>("1", 1).await.expect("it is started");
    let end = tokio::time::timeout(Duration::from_hours(1), saga.result()).await.expect("it ends");
    assert!(matches!(end, Ok(End::Completed(()))), "{end:?}");
    assert_eq!(bare(&world.said()), ["after a nap", "not told", "slow"]);
}

#[tokio::test(start_paused = true)]
async fn why_a_branch_is_parked_stands_in_lists_whatever_the_others_write_after_it() {
    let (world, store) = (World::default(), Arc::new(Memory::default()));
    let builder = |store: &Arc<Memory>| {
        let builder = Runtime::builder().clock(Arc::new(TokioClock::at(0))).shared_store(store.clone());
        builder.register(Seats(world.clone()))
    };
    let runtime = builder(&store).start().await.expect("it starts");
    let guests = ["stranger", "late Bo"].map(str::to_owned).to_vec();
    let saga = runtime.start::<Seats>("party", Party { guests, at_a_time: 2 }).await.expect("it is started");
    assert!(matches!(saga.settled().await.expect("it can be read"), saga_runtime::Settled::Parked { .. }));
    let error = async || store.find("seats", "party").await.expect("it can be read").expect("it is there").error;
    assert_eq!(error().await.as_deref(), Some("who is that?"));
    // Taken up for a decision that changes nothing, it is let go as it was.
    let park = saga.park().await.expect("it can be read").expect("it is parked");
    assert!(!park.skip("ada", "a step is not skipped").await.expect("it is decided").granted);
    saga.settled().await.expect("it can be read");
    assert_eq!(error().await.as_deref(), Some("who is that?"));
    // Taken over while the other branch is under way, it is known from the row that says so.
    let guests = ["stranger", "late Bo"].map(str::to_owned).to_vec();
    runtime.start::<Seats>("next", Party { guests, at_a_time: 2 }).await.expect("it is started");
    tokio::time::sleep(Duration::from_millis(26)).await;
    let found = store.find("seats", "next").await.expect("it can be read").expect("it is there");
    assert!(found.owner.is_some() && found.error.as_deref() == Some("who is that?"), "{found:?}");
    drop(runtime);
    let runtime = builder(&store).start().await.expect("it starts");
    let saga = runtime.get::<Seats>("next").await.expect("it can be read").expect("it is there");
    assert!(matches!(saga.settled().await.expect("it can be read"), saga_runtime::Settled::Parked { .. }));
    let found = store.find("seats", "next").await.expect("it can be read").expect("it is there");
    assert_eq!(found.error.as_deref(), Some("who is that?"));
}
