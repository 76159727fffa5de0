//! Steps that commit with the record of their answer, in the store's own SQLite file.

#![cfg(feature = "sqlite")]

use saga_runtime::{
    prelude::*,
    store::{Store, memory::Memory},
    testing::{Faulty, Lost},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    ConnectOptions, Executor as _, SqliteConnection, query, query_as, query_scalar, sqlite::SqliteConnectOptions,
};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

/// What an attempt does beside its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Fails,
    Panics,
    TakesTooLong,
    CountsForEver,
    Commits,
    RollsBack,
    TakesTwo,
    CallsTheRuntime,
}

/// The saga's own service, whose tables are in the store's file.
#[derive(Debug, Default)]
struct Desk {
    acts: Mutex<VecDeque<Act>>,
    runtime: OnceLock<Runtime>,
    said: Mutex<Vec<String>>,
}

struct Bank(Arc<Desk>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    cents: i64,
    confirmed: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, Refusal)]
enum No {
    Poor,
    Unconfirmed,
}

#[saga(name = "bank", version = 1)]
impl Bank {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<i64, Unwind<No>> {
        let left = self.debit(cx, order.cents).await?;
        self.confirm(cx, order.confirmed).await?;
        Ok(left)
    }

    #[step(transaction, retry(initial = "1ms", max = "1ms"))]
    async fn debit(&self, cx: &StepContext, cents: i64) -> Result<i64, Failure<No>> {
        query("INSERT INTO entry VALUES (?, 'debit')").bind(cx.instance()).execute(&mut *cx.transaction()?).await?;
        let left: i64 = query_scalar("UPDATE account SET cents = cents - ? RETURNING cents")
            .bind(cents)
            .fetch_one(&mut *cx.transaction()?)
            .await?;
        self.act(cx).await?;
        if left < 0 { Err(No::Poor.into()) } else { Ok(left) }
    }

    #[compensate(debit, retry(initial = "1ms", max = "1ms"))]
    async fn credit(&self, cx: &StepContext, cents: i64, left: i64) -> Result<(), Transient> {
        let mut transaction = cx.transaction()?;
        query("INSERT INTO entry VALUES (?, 'credit')").bind(cx.instance()).execute(&mut *transaction).await?;
        query("UPDATE account SET cents = cents + ?").bind(cents).execute(&mut *transaction).await?;
        drop(transaction);
        assert!(left >= 0, "what was answered is known");
        self.act(cx).await
    }

    #[step(pivot)]
    async fn confirm(&self, cx: &StepContext, confirmed: bool) -> Result<(), Failure<No>> {
        let error = cx.transaction().expect_err("this step has none");
        assert!(error.to_string().contains("`confirm` has no transaction"), "{error}");
        if confirmed { Ok(()) } else { Err(No::Unconfirmed.into()) }
    }
}

impl Bank {
    async fn act(&self, cx: &StepContext) -> Result<(), Transient> {
        let act = self.0.acts.lock().expect("nobody panics").pop_front();
        match act {
            None => {}
            Some(Act::Fails) => return Err(Transient::new("told to fail")),
            Some(Act::Panics) => panic!("told to panic"),
            Some(Act::TakesTooLong) => tokio::time::sleep(Duration::from_hours(1)).await,
            Some(Act::CountsForEver) => {
                let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
                query(endless).execute(&mut *cx.transaction()?).await?;
            }
            Some(Act::Commits) => {
                (&mut *cx.transaction()?).execute("COMMIT").await?;
            }
            Some(Act::RollsBack) => {
                (&mut *cx.transaction()?).execute("ROLLBACK").await?;
            }
            Some(Act::TakesTwo) => {
                let _first = cx.transaction()?;
                drop(cx.transaction()?);
            }
            Some(Act::CallsTheRuntime) => {
                let runtime = self.0.runtime.get().expect("it was given");
                let order = Order { cents: 1, confirmed: true };
                let started = runtime.start::<Bank>("another", order).await.map(drop);
                let own = runtime.get::<Bank>(cx.instance()).await.map(drop);
                for error in [started, own].into_iter().filter_map(Result::err) {
                    assert!(error.is_invalid());
                    self.0.said.lock().expect("nobody panics").push(error.to_string());
                }
            }
        }
        Ok(())
    }
}

/// A file of its own, and what stands in it.
struct Lab {
    file: PathBuf,
    desk: Arc<Desk>,
}

impl Lab {
    /// A database of somebody's own, which the store's tables are made in.
    async fn new(name: &str, acts: impl IntoIterator<Item = Act>) -> Self {
        let folder = std::env::temp_dir().join(format!("saga-transaction-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let acts = Mutex::new(acts.into_iter().collect());
        let lab = Self { file: folder.join("bank.db"), desk: Arc::new(Desk { acts, ..Desk::default() }) };
        let mut own = lab.connect().await;
        let tables =
            "CREATE TABLE entry (id TEXT NOT NULL, what TEXT NOT NULL); CREATE TABLE account (cents INTEGER NOT NULL);
                      INSERT INTO account VALUES (1000)";
        own.execute(tables).await.expect("tables can be made");
        lab
    }

    /// A connection of the application's own.
    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.file).create_if_missing(true);
        options.connect().await.expect("it connects")
    }

    async fn store(&self) -> Sqlite {
        let wait = Duration::from_secs(10);
        Sqlite::builder(&self.file).beside_other_tables().wait(wait).open().await.expect("it opens")
    }

    async fn runtime(&self) -> Runtime {
        self.runtime_on(Arc::new(self.store().await)).await
    }

    async fn runtime_on(&self, store: Arc<dyn Store>) -> Runtime {
        let bank = Bank(Arc::clone(&self.desk));
        Runtime::builder().shared_store(store).register(bank).start().await.expect("it starts")
    }

    /// The entries, and what is left.
    async fn books(&self) -> (Vec<(String, String)>, i64) {
        let mut own = self.connect().await;
        let entries =
            query_as("SELECT id, what FROM entry ORDER BY rowid").fetch_all(&mut own).await.expect("it reads");
        (entries, query_scalar("SELECT cents FROM account").fetch_one(&mut own).await.expect("it reads"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What is left behind is only in the way.
        let _ = self.file.parent().map(std::fs::remove_dir_all);
    }
}

const DONE: Order = Order { cents: 300, confirmed: true };
const UNDONE: Order = Order { cents: 300, confirmed: false };

async fn start(runtime: &Runtime, id: &str, order: Order) -> Handle<Bank> {
    runtime.start::<Bank>(id, order).await.expect("it is started")
}

async fn settled(saga: &Handle<Bank>) -> saga_runtime::Settled<i64, No> {
    let settled = tokio::time::timeout(Duration::from_mins(1), saga.settled()).await;
    settled.expect("it settles").expect("the store answers")
}

async fn end(saga: &Handle<Bank>) -> End<i64, No> {
    match settled(saga).await {
        saga_runtime::Settled::Ended(end) => end,
        parked @ saga_runtime::Settled::Parked { .. } => panic!("{parked:?}"),
    }
}

/// Why it is parked.
async fn parked(saga: &Handle<Bank>) -> String {
    match settled(saga).await {
        saga_runtime::Settled::Parked { error, .. } => error.into(),
        saga_runtime::Settled::Ended(end) => panic!("it ended: {end:?}"),
    }
}

fn entries(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(id, what)| ((*id).to_owned(), (*what).to_owned())).collect()
}

#[tokio::test]
async fn a_step_and_its_compensation_commit_what_they_write_with_their_record() {
    let lab = Lab::new("record", []).await;
    let runtime = lab.runtime().await;
    let done = start(&runtime, "done", DONE).await;
    assert!(matches!(end(&done).await, End::Completed(700)));
    let undone = start(&runtime, "undone", UNDONE).await;
    assert!(matches!(end(&undone).await, End::Compensated { cause: Cause::Refused(No::Unconfirmed), .. }));
    let expected = entries(&[("done", "debit"), ("undone", "debit"), ("undone", "credit")]);
    assert_eq!(lab.books().await, (expected, 700));
    let timeline = undone.timeline().await.expect("it is read").to_string();
    assert_eq!(timeline.matches("answered 400").count(), 1, "{timeline}");
}

#[tokio::test]
async fn what_a_refused_step_wrote_is_taken_back_before_the_refusal_is_recorded() {
    let lab = Lab::new("refused", []).await;
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "poor", Order { cents: 2_000, ..DONE }).await;
    assert!(matches!(end(&saga).await, End::Compensated { cause: Cause::Refused(No::Poor), .. }));
    assert_eq!(lab.books().await, (vec![], 1000));
}

#[tokio::test]
async fn an_attempt_that_fails_or_takes_too_long_leaves_nothing_and_is_made_again() {
    for (name, acts) in [
        ("fails", vec![Act::Fails, Act::Fails]),
        ("late", vec![Act::TakesTooLong]),
        ("endless", vec![Act::CountsForEver]),
    ] {
        let lab = Lab::new(name, acts.clone()).await;
        let runtime = lab.runtime().await;
        let saga = start(&runtime, name, DONE).await;
        assert!(matches!(end(&saga).await, End::Completed(700)), "{name}");
        assert_eq!(lab.books().await, (entries(&[(name, "debit")]), 700), "{name}");
        // The same of its compensation, after a debit that has nothing to act.
        let lab = Lab::new(&format!("{name}-undo"), []).await;
        let runtime = lab.runtime().await;
        let saga = start(&runtime, "first", DONE).await;
        end(&saga).await;
        lab.desk.acts.lock().expect("nobody panics").extend([Act::Fails].into_iter().chain(acts));
        let saga = start(&runtime, name, UNDONE).await;
        assert!(matches!(end(&saga).await, End::Compensated { .. }), "{name}");
        let expected = entries(&[("first", "debit"), (name, "debit"), (name, "credit")]);
        assert_eq!(lab.books().await, (expected, 700), "{name}");
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_looked_up_in_the_journal() {
    for order in [DONE, UNDONE] {
        let lab = Lab::new("undisturbed", []).await;
        let store = Arc::new(Faulty::new(Arc::new(lab.store().await)));
        let before = store.commits();
        let runtime = lab.runtime_on(Arc::clone(&store) as Arc<dyn Store>).await;
        end(&start(&runtime, "one", order.clone()).await).await;
        let (books, commits) = (lab.books().await, store.commits() - before);
        assert!(commits >= 4, "its start, its debit, its intents and its end: {commits}");
        for lost in [Lost::Answer, Lost::Everything] {
            for commit in 1..=commits {
                let lab = Lab::new(&format!("lost-{lost:?}-{commit}"), []).await;
                let store = Arc::new(Faulty::new(Arc::new(lab.store().await)));
                store.lose(commit, lost);
                let runtime = lab.runtime_on(Arc::clone(&store) as Arc<dyn Store>).await;
                end(&start(&runtime, "one", order.clone()).await).await;
                assert_eq!(lab.books().await, books, "{lost:?} of commit {commit} of {commits}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sagas_at_once_take_turns() {
    const MANY: i64 = 40;
    let lab = Lab::new("many", [Act::Fails, Act::Fails, Act::Fails]).await;
    let runtime = lab.runtime().await;
    let mut sagas = Vec::new();
    for number in 0..MANY {
        sagas.push(start(&runtime, &number.to_string(), Order { cents: 1, confirmed: number % 2 == 0 }).await);
    }
    for saga in &sagas {
        end(saga).await;
    }
    let (entries, left) = lab.books().await;
    assert_eq!(left, 1000 - MANY / 2);
    for number in 0..MANY {
        let id = number.to_string();
        let own: Vec<&str> = entries.iter().filter(|(of, _)| *of == id).map(|(_, what)| what.as_str()).collect();
        assert_eq!(own, if number % 2 == 0 { vec!["debit"] } else { vec!["debit", "credit"] });
    }
}

#[tokio::test]
async fn the_runtime_is_not_called_from_inside_and_says_so_at_once() {
    let lab = Lab::new("inside", [Act::CallsTheRuntime]).await;
    let runtime = lab.runtime().await;
    assert!(lab.desk.runtime.set(runtime.clone()).is_ok());
    let saga = start(&runtime, "one", DONE).await;
    assert!(matches!(end(&saga).await, End::Completed(700)));
    let said = lab.desk.said.lock().expect("nobody panics").clone();
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("step `debit` calls the runtime from inside its transaction"), "{said:?}");
    assert!(runtime.get::<Bank>("another").await.expect("it is read").is_none());
    runtime.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_step_that_ends_its_transaction_itself_is_parked_and_nothing_of_it_stays() {
    for act in [Act::Commits, Act::RollsBack] {
        let lab = Lab::new(&format!("{act:?}"), [act]).await;
        let runtime = lab.runtime().await;
        let saga = start(&runtime, "one", DONE).await;
        let error = parked(&saga).await;
        assert!(error.contains("must not commit or roll back by itself"), "{act:?}: {error}");
        assert_eq!(lab.books().await, (vec![], 1000), "{act:?}");
        // Once it is mended it goes on.
        let park = saga.park().await.expect("it is read").expect("it is parked");
        assert!(park.retry("test", "mended").await.expect("it is asked").granted);
        assert!(matches!(end(&saga).await, End::Completed(700)), "{act:?}");
        assert_eq!(lab.books().await, (entries(&[("one", "debit")]), 700), "{act:?}");
    }
}

#[tokio::test]
async fn a_step_that_panics_or_takes_its_transaction_twice_is_parked_and_was_never_in_doubt() {
    for act in [Act::Panics, Act::TakesTwo] {
        let lab = Lab::new(&format!("{act:?}"), [act]).await;
        let runtime = lab.runtime().await;
        let saga = start(&runtime, "one", DONE).await;
        parked(&saga).await;
        // Nothing is undone, since nothing has happened.
        assert!(saga.cancel("enough").await.expect("it is asked").granted);
        assert!(matches!(end(&saga).await, End::Compensated { cause: Cause::Cancelled(_), .. }), "{act:?}");
        assert_eq!(lab.books().await, (vec![], 1000), "{act:?}");
    }
}

#[tokio::test]
async fn an_attempt_that_was_lost_with_its_process_is_no_doubt() {
    let lab = Lab::new("lost", [Act::TakesTooLong]).await;
    let runtime = lab.runtime().await;
    let saga = start(&runtime, "one", DONE).await;
    // Its tasks stop where they stand, as in a crash: in the middle of the transaction.
    while !lab.desk.acts.lock().expect("nobody panics").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop((runtime, saga));
    lab.desk.acts.lock().expect("nobody panics").push_back(Act::Panics);
    let runtime = lab.runtime().await;
    let saga = runtime.get::<Bank>("one").await.expect("it is read").expect("it is there");
    parked(&saga).await;
    assert!(saga.cancel("enough").await.expect("it is asked").granted);
    assert!(matches!(end(&saga).await, End::Compensated { .. }));
    assert_eq!(lab.books().await, (vec![], 1000));
}

#[tokio::test]
async fn a_runtime_does_not_start_on_a_store_that_cannot_do_it() {
    let bank = Bank(Arc::default());
    let error = Runtime::builder().store(Memory::new()).register(bank).start().await.expect_err("it has none");
    assert!(error.is_invalid());
    assert!(error.to_string().contains("step `debit` of saga `bank` commits in a transaction of the store"), "{error}");

    let lab = Lab::new("long", []).await;
    let builder = Runtime::builder().store(lab.store().await);
    let error = builder.register(Patient).start().await.expect_err("nobody else could write");
    assert!(
        error.is_invalid() && error.to_string().contains("`wait` of saga `patient` has a timeout of 2s"),
        "{error}"
    );
}

struct Patient;

#[saga(name = "patient")]
impl Patient {
    #[flow]
    async fn run(&self, cx: &FlowContext, _nothing: ()) -> Result<(), Unwind<No>> {
        Ok(self.wait(cx).await?)
    }

    #[step(pivot, transaction, timeout = "2s")]
    async fn wait(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        drop(cx.transaction()?);
        Ok(())
    }
}

#[tokio::test]
async fn a_test_without_a_runtime_gives_a_connection_in_its_place() {
    let mut memory = SqliteConnectOptions::new().filename(":memory:").connect().await.expect("it connects");
    let tables = "CREATE TABLE entry (id TEXT, what TEXT); CREATE TABLE account (cents INTEGER);
                  INSERT INTO account VALUES (1000)";
    memory.execute(tables).await.expect("tables can be made");
    let cx = FlowContext::detached().with_transaction(memory);
    let bank = Bank(Arc::default());
    assert!(matches!(bank.debit(&cx, 300).await, Ok(700)));
    assert!(bank.credit(&cx, 300, 700).await.is_ok());
    let connection = &mut *cx.transaction().expect("it was given");
    let cents: i64 = query_scalar("SELECT cents FROM account").fetch_one(connection).await.expect("it reads");
    assert_eq!(cents, 1000);
}
