use super::{CommitError, Committer, Health};
use crate::store::{
    Append, Epoch, InstanceNo, Labels, Row, Start, Status, Store, StoreError, Touch, Write, Written,
    faulty::{Faulty, Lost},
    memory::Memory,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

const LONG: Duration = Duration::from_hours(1);

fn start(id: &str) -> Write {
    Write::Start(Start {
        saga: "checkout".into(),
        id: id.into(),
        birth: uuid::Uuid::now_v7().to_string().into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows: vec![row(1)],
    })
}

fn row(seq: u64) -> Row {
    Row { seq, at: 0, event: format!("row {seq}").into() }
}

fn append(instance: InstanceNo, seq: u64) -> Write {
    Write::Append(Append::new(instance, vec![row(seq)]))
}

/// A store that can be told to fail, a committer above it, and an instance with one row. That was the first commit, and the
/// second operation.
struct Setting {
    store: Arc<Faulty>,
    committer: Committer,
    instance: InstanceNo,
}

async fn setting() -> Setting {
    let store = Arc::new(Faulty::new(Arc::new(Memory::new())));
    let epoch = store.register().await.unwrap();
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    let Ok(Written::Started(instance)) = committer.write(start("first")).await else { panic!("it is new") };
    Setting { store, committer, instance }
}

impl Setting {
    async fn rows(&self) -> u64 {
        self.store.journal(self.instance, 1, usize::MAX).await.unwrap().len() as u64
    }

    fn health(&self) -> Health {
        self.committer.health().borrow().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn alone_a_write_waits_for_nobody() {
    let Setting { committer, instance, .. } = setting().await;
    let begun = Instant::now();
    for seq in 2..100 {
        committer.write(append(instance, seq)).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_is_ready_at_the_same_moment_is_one_commit() {
    let Setting { store, committer, .. } = setting().await;
    let before = store.commits();
    let writes: Vec<_> = (0..500).map(|id| committer.write(start(&id.to_string()))).collect();
    for write in writes {
        assert!(matches!(write.await, Ok(Written::Started(_))));
    }
    assert_eq!(store.commits() - before, 1);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let Setting { store, committer, .. } = setting().await;
    let before = store.commits();
    let writes: Vec<_> = (0..=super::BATCH * 2).map(|id| committer.write(start(&id.to_string()))).collect();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(store.commits() - before, 3);
}

#[tokio::test]
async fn one_instances_writes_stay_in_order_also_unanswered() {
    let setting = setting().await;
    let writes: Vec<_> = (2..3000).map(|seq| setting.committer.write(append(setting.instance, seq))).collect();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(setting.rows().await, 2999);
}

#[tokio::test]
async fn a_write_is_written_although_nobody_waits_for_it() {
    let setting = setting().await;
    drop(setting.committer.write(append(setting.instance, 2)));
    setting.committer.write(append(setting.instance, 3)).await.unwrap();
    assert_eq!(setting.rows().await, 3);
}

#[tokio::test]
async fn rule_29_a_batch_is_split_and_only_the_culprit_is_refused() {
    let Setting { committer, instance, .. } = setting().await;
    let writes = [
        committer.write(start("a")),
        committer.write(append(instance, 7)),
        committer.write(append(instance, 2)),
        committer.write(append(InstanceNo(99), 1)),
        committer.write(start("first")),
    ];
    let mut answers = Vec::new();
    for write in writes {
        answers.push(write.await);
    }
    assert!(
        matches!(
            &*answers,
            [
                Ok(Written::Started(_)),
                Err(CommitError::Rejected(_)),
                Ok(Written::Appended),
                Err(CommitError::Rejected(_)),
                Ok(Written::Exists(_)),
            ]
        ),
        "{answers:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_starts_fail_at_once_and_appends_are_kept() {
    let setting = setting().await;
    let Setting { store, committer, instance } = &setting;
    store.leave("no room left");
    let kept = tokio::spawn(committer.write(append(*instance, 2)));
    let begun = Instant::now();
    for id in ["a", "b"] {
        let error = committer.write(start(id)).await.unwrap_err();
        assert_eq!(error, CommitError::Unavailable("no room left".into()));
        assert_eq!(setting.health(), Health::Unavailable("no room left".into()));
    }
    assert!(begun.elapsed() < Duration::from_millis(1), "a start waited for {:?}", begun.elapsed());
    let later = tokio::spawn(committer.write(append(*instance, 3)));
    tokio::time::sleep(LONG).await;
    assert_eq!(committer.write(start("c")).await.unwrap_err(), CommitError::Unavailable("no room left".into()));
    assert!(!kept.is_finished() && !later.is_finished(), "a kept append was answered");
    store.come_back();
    assert!(matches!(kept.await.unwrap(), Ok(Written::Appended)));
    assert!(matches!(later.await.unwrap(), Ok(Written::Appended)));
    assert_eq!(setting.health(), Health::Available);
    assert_eq!(setting.rows().await, 3);
    assert!(committer.write(start("d")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_back_is_noticed_although_nothing_is_kept() {
    let setting = setting().await;
    setting.store.leave("gone");
    setting.committer.write(start("a")).await.unwrap_err();
    let mut health = setting.committer.health();
    tokio::time::sleep(LONG).await;
    assert_eq!(setting.health(), Health::Unavailable("gone".into()));
    setting.store.leave("gone for another reason");
    tokio::time::sleep(LONG).await;
    assert_eq!(setting.health(), Health::Unavailable("gone for another reason".into()));
    setting.store.come_back();
    health.wait_for(|health| *health == Health::Available).await.unwrap();
    setting.committer.write(start("a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_read_back() {
    for lost in [Lost::Answer, Lost::Everything] {
        let setting = setting().await;
        let Setting { store, committer, instance } = &setting;
        store.lose(2, lost);
        let writes =
            [committer.write(start("first")), committer.write(append(*instance, 2)), committer.write(start("a"))];
        let mut answers = Vec::new();
        for write in writes {
            answers.push(write.await);
        }
        assert!(
            matches!(&*answers, [Ok(Written::Exists(_)), Ok(Written::Appended), Ok(Written::Started(_))]),
            "{lost:?}: {answers:?}"
        );
        let Ok(Written::Started(no)) = answers[2] else { panic!("{answers:?}") };
        assert_eq!(store.find("checkout", "a").await.unwrap().map(|found| found.no), Some(no));
        assert_eq!(setting.rows().await, 2);
        let commits = if lost == Lost::Answer { 2 } else { 3 };
        assert_eq!(store.commits(), commits, "{lost:?}: it is written once, and not again after it was found");
        assert_eq!(setting.health(), Health::Available);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_read_back_for_as_long_as_that_takes() {
    let setting = setting().await;
    setting.store.lose(2, Lost::Answer);
    for operation in 4..20 {
        setting.store.fail(operation, StoreError::Unavailable("rebooting".into()));
    }
    let written = setting.committer.write(start("a")).await;
    assert!(matches!(written, Ok(Written::Started(_))), "a start whose commit is in doubt was answered {written:?}");
    assert_eq!(setting.store.commits(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_every_commit_is_away() {
    let setting = setting().await;
    for commit in 2..40 {
        setting.store.lose(commit, Lost::Everything);
    }
    let kept = tokio::spawn(setting.committer.write(append(setting.instance, 2)));
    let error = setting.committer.write(start("a")).await.unwrap_err();
    assert_eq!(error, CommitError::Unavailable("the connection broke".into()));
    kept.await.unwrap().unwrap();
    assert_eq!(setting.store.commits(), 40);
    assert_eq!(setting.rows().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_leaves_no_trace_is_made_again() {
    let setting = setting().await;
    let request = setting.store.request(setting.instance, "cancel", false).await.unwrap().unwrap();
    setting.store.lose(2, Lost::Answer);
    let touch = Touch::new(Status::Parked, 1);
    let traceless = Append { touch: Some(touch), consumed: vec![request], ..Append::new(setting.instance, Vec::new()) };
    setting.committer.write(Write::Append(traceless)).await.unwrap();
    assert_eq!(setting.store.commits(), 3);
    assert_eq!(setting.store.find("checkout", "first").await.unwrap().unwrap().status, Status::Parked);
}

#[tokio::test]
async fn a_fenced_committer_is_fenced_for_ever() {
    let Setting { store, committer, instance } = setting().await;
    let next = store.register().await.unwrap();
    let together = [committer.write(append(instance, 2)), committer.write(start("a"))];
    for write in together {
        assert_eq!(write.await.unwrap_err(), CommitError::Fenced);
    }
    assert_eq!(*committer.health().borrow(), Health::Fenced);
    assert_eq!(committer.write(append(instance, 2)).await.unwrap_err(), CommitError::Fenced);
    committer.shutdown(LONG).await;
    assert_eq!(committer.write(append(instance, 2)).await.unwrap_err(), CommitError::Fenced);
    Committer::new(store, next).write(append(instance, 2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_replaced_while_the_store_was_away_writes_nothing_of_what_it_kept() {
    let setting = setting().await;
    setting.store.leave("gone");
    let kept = tokio::spawn(setting.committer.write(append(setting.instance, 2)));
    tokio::time::sleep(LONG).await;
    setting.store.come_back();
    assert!(setting.store.register().await.unwrap() > Epoch(1));
    assert_eq!(kept.await.unwrap().unwrap_err(), CommitError::Fenced);
    assert_eq!(setting.rows().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_writes_what_was_handed_over_before() {
    let setting = setting().await;
    let before: Vec<_> = (2..500).map(|seq| setting.committer.write(append(setting.instance, seq))).collect();
    setting.committer.shutdown(Duration::ZERO).await;
    for write in before {
        write.await.unwrap();
    }
    assert_eq!(setting.health(), Health::Stopped);
    assert_eq!(setting.committer.write(append(setting.instance, 500)).await.unwrap_err(), CommitError::Stopped);
    setting.committer.shutdown(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_a_store_that_is_away_only_so_long() {
    let setting = setting().await;
    setting.store.leave("gone");
    let kept = tokio::spawn(setting.committer.write(append(setting.instance, 2)));
    tokio::time::sleep(LONG).await;
    let begun = Instant::now();
    setting.committer.shutdown(Duration::from_secs(5)).await;
    let waited = begun.elapsed();
    assert!((5..7).contains(&waited.as_secs()), "it waited for {waited:?}");
    assert_eq!(kept.await.unwrap().unwrap_err(), CommitError::Unavailable("gone".into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_at_the_end_of_a_shutdown_is_not_called_unwritten() {
    let setting = setting().await;
    setting.store.lose(2, Lost::Answer);
    let write = setting.committer.write(append(setting.instance, 2));
    for operation in 4..1000 {
        setting.store.fail(operation, StoreError::Unavailable("gone".into()));
    }
    setting.committer.shutdown(Duration::from_secs(5)).await;
    assert_eq!(write.await.unwrap_err(), CommitError::Stopped);
}

#[tokio::test]
async fn the_writer_ends_with_its_last_handle() {
    let Setting { store, committer, instance } = setting().await;
    let mut health = committer.health();
    let last = committer.write(append(instance, 2));
    drop(committer);
    last.await.unwrap();
    health.wait_for(|health| *health == Health::Stopped).await.unwrap();
    assert_eq!(store.journal(instance, 1, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_panic_hangs_nobody() {
    let setting = setting().await;
    setting.store.panic(setting.store.operations() + 1);
    let together = [setting.committer.write(append(setting.instance, 2)), setting.committer.write(start("a"))];
    for write in together {
        assert_eq!(write.await.unwrap_err(), CommitError::Stopped);
    }
    assert_eq!(setting.health(), Health::Stopped);
    assert_eq!(setting.committer.write(start("b")).await.unwrap_err(), CommitError::Stopped);
    setting.committer.shutdown(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn any_operation_may_fail_in_any_way_and_every_write_is_answered_truthfully() {
    let errors = [
        StoreError::Unavailable("x".into()),
        StoreError::Unusable("x".into()),
        StoreError::InDoubt("x".into()),
        StoreError::Write { index: 0, reason: "x".into() },
        StoreError::Write { index: 99, reason: "x".into() },
    ];
    for error in errors {
        for operation in 3..12 {
            let setting = setting().await;
            setting.store.fail(operation, error.clone());
            let mut written = 1;
            for id in 0..4 {
                if setting.committer.write(append(setting.instance, written + 1)).await.is_ok() {
                    written += 1;
                }
                let id = id.to_string();
                let started = setting.committer.write(start(&id)).await.is_ok();
                let found = setting.store.find("checkout", &id).await;
                let found = if found.is_err() { setting.store.find("checkout", &id).await } else { found };
                assert_eq!(found.unwrap().is_some(), started, "operation {operation} failed with {error}");
            }
            assert_eq!(setting.rows().await, written, "operation {operation} failed with {error}");
        }
    }
}

/// A batch that is written, whose answer is lost, and of which somebody removes something before it is read back.
async fn read_back_late(
    writes: impl FnOnce(InstanceNo) -> Vec<Write>,
    before: impl AsyncFnOnce(&Memory),
    meanwhile: impl AsyncFnOnce(&Memory),
) -> Vec<Result<Written, CommitError>> {
    let memory = Arc::new(Memory::new());
    let store = Arc::new(Faulty::new(Arc::clone(&memory) as Arc<dyn Store>));
    let epoch = store.register().await.unwrap();
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    let Ok(Written::Started(instance)) = committer.write(start("first")).await else { panic!("it is new") };
    let Ok(Written::Started(other)) = committer.write(start("other")).await else { panic!("it is new") };
    assert_eq!((instance, other), (InstanceNo(1), InstanceNo(2)));
    before(&memory).await;
    store.lose(store.commits() + 1, Lost::Answer);
    store.fail(store.operations() + 2, StoreError::Unavailable("cut off".into()));
    let writing: Vec<_> = writes(instance).into_iter().map(|write| committer.write(write)).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    meanwhile(&memory).await;
    let all = async {
        let mut answers = Vec::new();
        for one in writing {
            answers.push(one.await);
        }
        answers
    };
    tokio::time::timeout(Duration::from_hours(1), all).await.expect("the writer goes on")
}

fn ends(instance: InstanceNo) -> Write {
    Write::Append(Append { touch: Some(Touch::new(Status::Completed, 0)), ..Append::new(instance, vec![row(2)]) })
}

#[tokio::test(start_paused = true)]
async fn what_was_written_with_an_end_that_is_buried_by_now_was_written() {
    let writes = |instance| vec![ends(instance), append(InstanceNo(2), 2), start("new")];
    let answers = read_back_late(
        writes,
        async |_| {},
        async |memory| {
            assert!(memory.bury(InstanceNo(1)).await.unwrap());
        },
    );
    let answers = answers.await;
    assert!(
        matches!(&*answers, [Ok(Written::Appended), Ok(Written::Appended), Ok(Written::Started(_))]),
        "{answers:?}"
    );
}

/// The first instance is a tombstone before anything is written.
async fn bury_first(memory: &Memory) {
    memory.commit(Epoch(1), &[ends(InstanceNo(1))]).await.unwrap();
    assert!(memory.bury(InstanceNo(1)).await.unwrap());
}

/// And its identity is free before that is read back.
async fn forget_first(memory: &Memory) {
    assert_eq!(memory.forget_buried("checkout", 1, 10).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_identity_was_taken_and_is_free_by_now_keeps_nobody_waiting() {
    let writes = |_| vec![append(InstanceNo(2), 2), start("first")];
    let answers = read_back_late(writes, bury_first, forget_first).await;
    assert!(matches!(&*answers, [Ok(Written::Appended), Err(CommitError::Rejected(_))]), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_written_beside_one_whose_identity_is_free_by_now_was_started() {
    let writes = |_| vec![start("first"), start("new")];
    let answers = read_back_late(writes, bury_first, forget_first).await;
    assert!(matches!(&*answers, [_, Ok(Written::Started(_))]), "{answers:?}");
}
