//! The same engine on SQLite, on many threads, in real time.

use crate::{
    saga::{Scripted, script},
    world::{Act, World},
};
use saga_runtime::{End, Runtime, store::sqlite::Sqlite};
use std::{path::PathBuf, time::Duration};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("saga-engine-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is only in the way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_instances_on_sqlite_survive_a_crash_in_the_middle() {
    const MANY: usize = 200;
    let folder = Folder::new("many");
    let file = folder.0.join("sagas.db");
    let world = World::default();
    for number in 0..MANY {
        if number % 4 == 0 {
            world.plan(&format!("p{number}"), [Act::Refuse]);
        }
        world.plan(&format!("b{number}"), [Act::Slow(u64::try_from(number % 50).expect("small")), Act::Done]);
    }
    let open = || async {
        let store = Sqlite::builder(&file).wait(Duration::from_secs(5)).open().await.expect("it opens");
        Runtime::builder().store(store).register(Scripted(world.clone())).concurrency(64).start().await
    };
    let runtime = open().await.expect("it starts");
    let starts: Vec<_> = (0..MANY)
        .map(|number| {
            let runtime = runtime.clone();
            let script = script(&format!("look:l{number} book:a{number} book:b{number} pay:p{number} send:s{number}"));
            tokio::spawn(async move { runtime.start::<Scripted>(number.to_string(), script).await.map(drop) })
        })
        .collect();
    for start in starts {
        start.await.expect("no panic").expect("it is started");
    }
    // As in a crash: its tasks stop where they stand.
    drop(runtime);
    let runtime = open().await.expect("it starts again");
    for number in 0..MANY {
        let saga = runtime.get::<Scripted>(&number.to_string()).await.expect("the store answers").expect("it is there");
        let end = tokio::time::timeout(Duration::from_mins(1), saga.result()).await.expect("in time").expect("read");
        match end {
            End::Completed(_) => assert_ne!(number % 4, 0),
            End::Compensated { debt, .. } => assert!(number % 4 == 0 && debt.is_empty()),
        }
        assert_eq!(world.about(&format!("undo a{number}")).is_empty(), number % 4 != 0);
    }
    let saga = runtime.get::<Scripted>("1").await.expect("the store answers").expect("it is there");
    runtime.shutdown(Duration::from_secs(5)).await;
    assert!(saga.result().await.expect_err("the file is closed").is_stopped());
    // The file is free again.
    open().await.expect("it starts after a shutdown").shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sleeps_wakes_although_its_file_was_away_for_a_while() {
    let folder = Folder::new("away");
    let (file, away) = (folder.0.join("sagas.db"), folder.0.join("elsewhere.db"));
    let world = World::default();
    let store = Sqlite::open(&file).await.expect("it opens");
    let runtime = Runtime::builder().store(store).register(Scripted(world.clone())).start().await.expect("it starts");
    let saga = runtime.start::<Scripted>("1", script("book:a")).after(Duration::from_millis(1_500));
    let saga = saga.await.expect("it is started");
    std::fs::rename(&file, &away).expect("it can be moved");
    // Its time comes meanwhile, and nobody can look.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(world.got().is_empty());
    std::fs::rename(&away, &file).expect("it can be moved back");
    let end = tokio::time::timeout(Duration::from_mins(1), saga.result()).await.expect("in time").expect("read");
    assert!(matches!(end, End::Completed(_)), "{end:?}");
}
