//! Stores on which workers are at work while they are verified: what is right gives no alarm, whenever it is read.

use super::No;
use saga_runtime::{
    prelude::*,
    store::{
        Append, Epoch, Filter as StoredFilter, InstanceNo, Labels, Row, Start, Status, Store, Touch, Write,
        memory::Memory,
    },
    verify::{Effect, Ledger, Promise, Verdict, verify, verify_by},
};
use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{task::JoinSet, time::timeout};

/// Participants that keep the contract of the key, and fail as the seed says.
#[derive(Clone)]
struct World {
    seed: u64,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// What each key was answered: yes, or no.
    answers: HashMap<Box<str>, bool>,
    /// Keys that come too late.
    undone: HashSet<Box<str>>,
    effects: Vec<Effect>,
}

impl World {
    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        // A panic is one of the things that happen here.
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What happens at this attempt.
    fn roll(&self, cx: &StepContext) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, cx.key(), cx.attempt()).hash(&mut hasher);
        hasher.finish() % 100
    }

    async fn act(&self, cx: &StepContext, step: &str, refused: bool) -> Result<(), Failure<No>> {
        let roll = self.roll(cx);
        if roll.is_multiple_of(4) {
            tokio::time::sleep(Duration::from_millis(roll / 10)).await;
        }
        match roll {
            0..8 => return Err(Transient::no_effect("not now").into()),
            8..9 => panic!("planned"),
            _ => {}
        }
        let yes = self.kept(|kept| {
            let undoes: Option<Box<str>> = cx.undoes().map(Into::into);
            let late = kept.undone.contains(cx.key());
            if let Some(answer) = kept.answers.get(cx.key()) {
                return *answer;
            }
            let changed = undoes.as_ref().is_none_or(|key| kept.answers.get(key).copied().unwrap_or(false));
            kept.undone.extend(undoes.clone());
            kept.answers.insert(cx.key().into(), !refused && !late);
            if !refused && !late {
                let (saga, id, key) = (cx.saga().into(), cx.instance().into(), cx.key().into());
                kept.effects.push(Effect { saga, id, step: step.into(), key, undoes, changed });
            }
            !refused && !late
        });
        match roll {
            // The answer is lost.
            9..18 => Err(Transient::new("no answer").into()),
            _ if yes => Ok(()),
            _ => Err(No::SoldOut.into()),
        }
    }

    /// What was accepted by now, to be held against what had ended a second ago: clocks of workers differ by less.
    fn ledger(&self) -> Ledger {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        let collected_at = i64::try_from(now.as_micros()).expect("it is earlier than 290,000") - 1_000_000;
        Ledger { collected_at, effects: self.kept(|kept| kept.effects.clone()) }
    }
}

struct Busy(World);

#[saga(name = "busy", version = 1)]
impl Busy {
    #[flow]
    async fn run(&self, cx: &FlowContext, number: u32) -> Result<(), Unwind<No>> {
        for line in 0..number % 4 {
            self.hold(cx, line).await?;
        }
        let lines: Vec<u32> = (0..number % 3).collect();
        #[state("together")]
        cx.join_all(&lines, 2, |line| self.hold(cx, *line)).await?;
        cx.sleep(Duration::from_millis(u64::from(number % 7))).await;
        self.pay(cx, number.is_multiple_of(5)).await?;
        self.ship(cx).await?;
        Ok(())
    }

    #[step(retry(initial = "1ms", max = "20ms", attempts = 4))]
    async fn hold(&self, cx: &StepContext, _line: u32) -> Result<(), Failure<No>> {
        self.0.act(cx, "hold", false).await
    }

    #[compensate(hold, retry(initial = "1ms", max = "20ms"))]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.act(cx, "hold", false).await.map_err(|_| Transient::new("not now"))
    }

    #[step(pivot, retry(initial = "1ms", max = "20ms"))]
    async fn pay(&self, cx: &StepContext, refused: bool) -> Result<(), Failure<No>> {
        self.0.act(cx, "pay", refused).await
    }

    #[step(retriable, retry(initial = "1ms", max = "20ms"))]
    async fn ship(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.act(cx, "ship", false).await.map_err(|_| Transient::new("not now"))
    }
}

const INSTANCES: u32 = 200;

/// What was done to the store meanwhile.
#[derive(Default)]
struct Counts {
    crashes: AtomicUsize,
    cancels: AtomicUsize,
    retries: AtomicUsize,
    verdicts: AtomicUsize,
    /// Verdicts while something had not ended.
    open: AtomicUsize,
}

impl Counts {
    fn judge(&self, verdict: &Verdict, seed: u64) {
        assert!(verdict.violations.is_empty(), "seed {seed}: {verdict}");
        self.verdicts.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(usize::from(verdict.open > 0), Ordering::Relaxed);
    }
}

/// Lives of one worker, one after another, of which every other one ends in a crash, until everything has ended.
async fn lives(store: Arc<dyn Store>, world: World, worker: u64, done: Arc<AtomicBool>, counts: Arc<Counts>) {
    for life in 1.. {
        let saga = Busy(world.clone());
        let runtime = Runtime::builder().shared_store(Arc::clone(&store)).register(saga).start().await;
        let runtime = runtime.expect("it starts");
        for turn in 0..=(world.seed + worker + life) % 3 {
            // Twenty more of them, until there are enough: who starts one twice has the first.
            for number in 0..20 {
                let number = (u32::try_from(life * 40 + turn * 20).expect("it is small") + number) % INSTANCES;
                let handle = match runtime.start::<Busy>(&number.to_string(), number).await {
                    Ok(handle) => handle,
                    // On a machine that stands still for longer than a lease, another worker may have taken over.
                    Err(error) if error.is_unavailable() || error.is_fenced() => break,
                    Err(error) => panic!("seed {}: {error}", world.seed),
                };
                if number.is_multiple_of(11) && life.is_multiple_of(3) {
                    // Whatever that is answered, if it is.
                    let asked = timeout(Duration::from_millis(2), handle.cancel("changed my mind")).await;
                    counts.cancels.fetch_add(usize::from(asked.is_ok_and(|asked| asked.is_ok())), Ordering::Relaxed);
                }
            }
            for parked in runtime.parked().await.expect("the store answers") {
                let handle = runtime.get::<Busy>(&parked.id).await.expect("the store answers").expect("it is there");
                if let Some(park) = handle.park().await.expect("the store answers") {
                    let asked = timeout(Duration::from_millis(50), park.retry("the test", "go on")).await;
                    counts.retries.fetch_add(usize::from(asked.is_ok_and(|asked| asked.is_ok())), Ordering::Relaxed);
                }
            }
            counts.judge(&runtime.verify(&world.ledger()).await.expect("the store can be read"), world.seed);
        }
        if done.load(Ordering::Relaxed) {
            runtime.shutdown(Duration::from_secs(1)).await;
            return;
        }
        if (life + worker).is_multiple_of(2) {
            runtime.shutdown(Duration::from_millis(5)).await;
        } else {
            // Dropped, it stops where it stands.
            counts.crashes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Workers, each with its own value of the store, and somebody who verifies all the time.
async fn chaos(seed: u64, workers: Vec<Arc<dyn Store>>, reader: Arc<dyn Store>) {
    println!("seed {seed}");
    let world = World { seed, kept: Arc::default() };
    let (done, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
    let mut tasks = JoinSet::new();
    for (worker, store) in (0..).zip(workers) {
        tasks.spawn(lives(store, world.clone(), worker, Arc::clone(&done), Arc::clone(&counts)));
    }
    let ends = StoredFilter::of([Status::Completed, Status::Compensated]);
    while reader.list(&ends, None, usize::MAX).await.expect("the store can be read").len() < INSTANCES as usize {
        let verdict = verify_by(&*reader, &world.ledger(), &[Busy::definition()]).await;
        counts.judge(&verdict.expect("the store can be read"), seed);
        // A worker that has panicked is told at once.
        if let Some(ended) = tasks.try_join_next() {
            ended.expect("no worker ends before everything has");
        }
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no worker panics");
    }
    let ledger = Ledger { collected_at: i64::MAX, ..world.ledger() };
    let verdict = verify_by(&*reader, &ledger, &[Busy::definition()]).await.expect("the store can be read");
    counts.judge(&verdict, seed);
    assert_eq!((verdict.instances, verdict.open), (INSTANCES as usize, 0), "seed {seed}");
    let Counts { crashes, cancels, retries, verdicts, open } = &*counts;
    println!(
        "{verdict}; {verdicts:?} verdicts, {open:?} with open ones, {crashes:?} crashes, {cancels:?} cancels, {retries:?} retries"
    );
    for (what, count) in [("crash", crashes), ("cancel", cancels), ("retry", retries), ("open", open)] {
        assert!(count.load(Ordering::Relaxed) > 0, "seed {seed}: no {what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_that_come_and_go_give_no_false_alarm() {
    let store = Memory::with_lease(Duration::from_millis(500));
    let workers = (0..4).map(|_| Arc::new(store.another()) as Arc<dyn Store>).collect();
    chaos(1, workers, Arc::new(store)).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_is_verified_while_its_worker_comes_and_goes_gives_no_false_alarm() {
    let path = std::env::temp_dir().join(format!("saga-verify-{}.db", std::process::id()));
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&path).await.expect("it is opened"));
    chaos(2, vec![Arc::clone(&store)], Arc::clone(&store)).await;
    store.close().await.expect("it is closed");
    remove(&path);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn what_is_owned_under_an_epoch_that_nobody_had_is_found() {
    use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

    let path = std::env::temp_dir().join(format!("saga-fence-{}.db", std::process::id()));
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    let started = Row { seq: 1, at: 0, event: STARTED.into() };
    store.commit(epoch, &[Write::Start(start("lost", vec![started]))]).await.unwrap();
    assert_eq!(verify(&store, &Ledger::default()).await.unwrap().violations, []);
    store.close().await.unwrap();
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("UPDATE instance SET epoch = 9").execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let store = Sqlite::open(&path).await.unwrap();
    let verdict = verify(&store, &Ledger::default()).await.unwrap();
    let found: Vec<_> = verdict.violations.iter().map(|one| (one.promise, &*one.what)).collect();
    assert_eq!(found, [(Promise::Fence, "it is owned by the worker of epoch 9, and the last there was is 1")]);
    store.close().await.unwrap();
    remove(&path);
}

/// The files of a store.
#[cfg(feature = "sqlite")]
fn remove(path: &std::path::Path) {
    for end in ["db", "db-wal", "db-shm", "db-lock"] {
        // Not all of them are there.
        let _ = std::fs::remove_file(path.with_extension(end));
    }
}

const STARTED: &str = r#"{"started":{"version":1,"parameter":"number","input":1}}"#;

/// An instance that is owned from its start on.
fn start(id: &str, rows: Vec<Row>) -> Start {
    Start {
        saga: "busy".into(),
        id: id.into(),
        birth: id.into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows,
    }
}

/// An instance that a worker of this epoch owns, of which nobody told that worker.
async fn owned_by(store: &Memory, owner: Epoch) -> InstanceNo {
    let start = start("lost", vec![Row { seq: 1, at: 0, event: STARTED.into() }]);
    store.commit(owner, &[Write::Start(start)]).await.unwrap();
    store.find("busy", "lost").await.unwrap().expect("it is there").no
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_owns_and_does_not_work_at_is_found() {
    let store = Arc::new(Memory::default());
    let world = World { seed: 1, kept: Arc::default() };
    let runtime = Runtime::builder().shared_store(store.clone()).register(Busy(world)).start().await.unwrap();
    // The first worker of a store.
    let no = owned_by(&store, Epoch(1)).await;
    let says = "it is owned by this worker, and nothing here works at it";
    let found =
        |verdict: Verdict| verdict.violations.into_iter().map(|one| (one.promise, one.what)).collect::<Vec<_>>();
    assert_eq!(found(runtime.verify(&Ledger::default()).await.unwrap()), [(Promise::Ends, says.into())]);
    // Only that worker can know.
    assert_eq!(found(verify(&*store, &Ledger::default()).await.unwrap()), []);
    let parked = r#"{"parked":{"cause":"exhausted","error":"no"}}"#;
    let rows = vec![Row { seq: 2, at: 0, event: parked.into() }];
    let touch = Touch { owned: true, error: Some("no".into()), ..Touch::new(Status::Parked, 0) };
    let append = Append { touch: Some(touch), ..Append::new(no, rows) };
    store.commit(Epoch(1), &[Write::Append(append)]).await.unwrap();
    assert_eq!(found(runtime.verify(&Ledger::default()).await.unwrap()), [(Promise::Isolation, says.into())]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_stays_with_what_is_parked_is_found() {
    let store = Arc::new(Memory::default());
    let runtime = Runtime::builder().shared_store(store.clone()).register(Sleepy).start().await.unwrap();
    runtime.start::<Sleepy>("1", 1).await.unwrap();
    let no = store.find("sleepy", "1").await.unwrap().expect("it is there").no;
    while store.length(no).await.unwrap() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Parked behind the worker's back.
    let parked = r#"{"parked":{"cause":"exhausted","error":"no"}}"#;
    let rows = vec![Row { seq: 3, at: 0, event: parked.into() }];
    let touch = Touch { error: Some("no".into()), ..Touch::new(Status::Parked, 0) };
    let append = Append { touch: Some(touch), ..Append::new(no, rows) };
    store.commit(Epoch(1), &[Write::Append(append)]).await.unwrap();
    let verdict = runtime.verify(&Ledger::default()).await.unwrap();
    let found: Vec<_> = verdict.violations.iter().map(|one| (one.promise, &*one.what)).collect();
    assert_eq!(found, [(Promise::Isolation, "it is parked, and a task of it is here")]);
}

/// Its step takes a minute, its worker's patience more than that.
struct Sleepy;

#[saga(name = "sleepy", version = 1)]
impl Sleepy {
    #[flow]
    async fn run(&self, cx: &FlowContext, _n: u32) -> Result<(), Unwind<No>> {
        self.sleeps(cx).await?;
        Ok(())
    }

    #[step(no_compensation = "a test", timeout = "1h")]
    async fn sleeps(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_runs_none_of_the_sagas_verifies_them_too() {
    let store = Arc::new(Memory::default());
    let client = Runtime::builder().shared_store(store.clone()).elsewhere::<Sleepy>().start().await.unwrap();
    let runtime = Runtime::builder().shared_store(store.clone()).register(Sleepy).start().await.unwrap();
    runtime.start::<Sleepy>("1", 1).await.unwrap().result().await.unwrap();
    let verdict = client.verify(&Ledger::default()).await.unwrap();
    assert_eq!(verdict.to_string(), "1 instance, 4 rows: no violation");
}
