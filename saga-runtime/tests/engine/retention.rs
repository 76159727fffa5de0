//! Ended instances go when their time has come, and only then.

use crate::{
    Lab, end,
    saga::{Scripted, script},
    settled, start,
    world::Act,
};
use saga_runtime::{
    Builder, End, Runtime,
    runtime::{Filter, Listed, Progress, Retention},
    store::{Store, StoreError},
    testing::Faulty,
};
use std::{sync::Arc, time::Duration};

const DAY: Duration = Duration::from_hours(24);

fn keeping(lab: &Lab, retention: Retention) -> Builder {
    lab.builder().register(Scripted(lab.world.clone())).retention::<Scripted>(retention)
}

async fn listed(runtime: &Runtime) -> Vec<Listed> {
    runtime.list(&Filter::new().limit(1_000)).await.expect("the store answers").instances
}

/// The ids of those whose journal is there, and of those that are tombstones.
async fn kept(runtime: &Runtime) -> (Vec<String>, Vec<String>) {
    let all = listed(runtime).await;
    let of = |buried| all.iter().filter(|one| one.buried == buried).map(|one| one.id.to_string()).collect();
    (of(false), of(true))
}

#[tokio::test(start_paused = true)]
async fn what_ended_goes_by_its_age_and_its_end_first_the_journal_and_then_the_tombstone() {
    let lab = Lab::new();
    let retention = Retention::new().completed(10 * DAY).compensated(20 * DAY).tombstones(30 * DAY);
    let runtime = keeping(&lab, retention).start().await.expect("it starts");
    let completed = start(&runtime, "completed", script("book:a")).await;
    end(&completed).await;
    lab.world.plan("p", [Act::Refuse]);
    end(&start(&runtime, "compensated", script("book:b pay:p")).await).await;
    tokio::time::sleep(9 * DAY).await;
    assert_eq!(kept(&runtime).await.1, [] as [&str; 0], "not a day early");
    tokio::time::sleep(2 * DAY).await;
    assert_eq!(kept(&runtime).await, (vec!["compensated".into()], vec!["completed".into()]));
    assert!(completed.result().await.expect_err("its result is gone").is_buried());
    let again = start(&runtime, "completed", script("book:a")).await;
    assert_eq!(again.no(), completed.no(), "a start that is repeated late finds the tombstone");
    tokio::time::sleep(10 * DAY).await;
    assert_eq!(kept(&runtime).await, (vec![], vec!["completed".into(), "compensated".into()]));
    tokio::time::sleep(10 * DAY).await;
    assert_eq!(kept(&runtime).await, (vec![], vec![]));
    let anew = start(&runtime, "completed", script("book:a")).await;
    assert!(matches!(end(&anew).await, End::Completed(_)), "the id is free again");
    assert_eq!(lab.world.about("a").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_is_never_removed() {
    let lab = Lab::new();
    let retention = Retention::new().completed(DAY).compensated(DAY).tombstones(DAY);
    let runtime = keeping(&lab, retention).start().await.expect("it starts");
    lab.world.plan("stuck", [Act::Park]);
    settled(&start(&runtime, "parked", script("book:stuck")).await).await;
    lab.world.plan("p", [Act::Refuse]);
    lab.world.plan("undo owed", [Act::Park]);
    let owing = start(&runtime, "owing", script("book:owed pay:p")).await;
    let park = lab.parked(&owing).await;
    assert!(park.skip("ann", "paid back by hand").await.expect("decided").granted);
    end(&owing).await;
    runtime.start::<Scripted>("delayed", script("book:a")).after(365 * DAY).await.expect("it is started");
    tokio::time::sleep(100 * DAY).await;
    let all = listed(&runtime).await;
    let progress: Vec<_> = all.iter().map(|one| (&*one.id, one.progress, one.buried)).collect();
    assert_eq!(
        progress,
        [
            ("parked", Progress::Parked, false),
            ("owing", Progress::CompensatedWithDebt, false),
            ("delayed", Progress::Sleeping, false)
        ]
    );
    assert!(owing.settle_debt("ann", "booked").await.expect("decided").granted);
    tokio::time::sleep(2 * DAY).await;
    assert_eq!(kept(&runtime).await.0, ["parked", "delayed"], "once it is settled, it may go");
}

#[tokio::test(start_paused = true)]
async fn many_go_in_batches_while_others_are_started_and_a_crash_in_the_middle_loses_nothing() {
    let lab = Lab::new();
    let plain = lab.runtime().await;
    for number in 0..350 {
        end(&start(&plain, &number.to_string(), script("")).await).await;
    }
    drop(plain);
    tokio::time::sleep(2 * DAY).await;
    let faulty = Arc::new(Faulty::new(Arc::clone(&lab.store) as Arc<dyn Store>));
    let sweeping = || {
        let retention = Retention::new().completed(DAY);
        keeping(&lab, retention).shared_store(Arc::clone(&faulty) as Arc<dyn Store>).start()
    };
    let runtime = sweeping().await.expect("it starts");
    // Until the first batch is gone, and not all of them.
    loop {
        let (rows, tombstones) = kept(&runtime).await;
        if !tombstones.is_empty() {
            assert_eq!((rows.len(), tombstones.len()), (250, 100), "a batch is all or nothing");
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(runtime);
    let runtime = sweeping().await.expect("it starts again");
    faulty.fail(faulty.operations() + 2, StoreError::Unavailable("away for a moment".into()));
    let started = start(&runtime, "new", script("book:a")).await;
    assert!(matches!(end(&started).await, End::Completed(_)));
    tokio::time::sleep(Duration::from_hours(3)).await;
    let (rows, tombstones) = kept(&runtime).await;
    assert_eq!((rows, tombstones.len()), (vec!["new".to_owned()], 350));
}

#[tokio::test(start_paused = true)]
async fn a_retention_that_cannot_be_is_an_error_of_the_start_that_names_the_saga() {
    let lab = Lab::new();
    for (retention, says) in [
        (Retention::new(), "keeps everything for ever"),
        (Retention::new().tombstones(DAY), "keeps everything for ever"),
        (Retention::new().completed(2 * DAY).tombstones(DAY), "`tombstones` is shorter"),
    ] {
        let error = keeping(&lab, retention).start().await.expect_err(says);
        let text = error.to_string();
        assert!(error.is_invalid() && text.contains(says) && text.contains("`scripted`"), "{error}");
    }
    let nobody = lab.builder().retention::<Scripted>(Retention::new().completed(DAY));
    let error = nobody.start().await.expect_err("not registered");
    assert!(error.is_invalid() && error.to_string().contains("`scripted`"), "{error}");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn on_sqlite_too_they_go_in_the_background() {
    use saga_runtime::{clock::Clock, store::sqlite::Sqlite, testing::ManualClock};
    let folder = std::env::temp_dir().join(format!("saga-retention-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let (world, clock) = (crate::world::World::default(), Arc::new(ManualClock::default()));
    let store = Sqlite::open(folder.join("sagas.db")).await.expect("it opens");
    let retention = Retention::new().completed(DAY).tombstones(2 * DAY);
    let builder = Runtime::builder().store(store).clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let builder = builder.register(Scripted(world)).retention::<Scripted>(retention);
    let runtime = builder.start().await.expect("it starts");
    for number in 0..120 {
        end(&start(&runtime, &number.to_string(), script("")).await).await;
    }
    for (rows, tombstones) in [(0, 120), (0, 0)] {
        clock.advance(DAY + Duration::from_hours(2));
        let gone = async {
            loop {
                let found = kept(&runtime).await;
                if (found.0.len(), found.1.len()) == (rows, tombstones) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), gone).await.expect("they go");
    }
    runtime.shutdown(Duration::from_secs(1)).await;
    // What is left behind is only in the way.
    let _ = std::fs::remove_dir_all(&folder);
}
