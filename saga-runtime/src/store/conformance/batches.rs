use super::support::{NOW, Worker, append, rows, start, touching};
use crate::store::{InstanceNo, Start, Status, Store, Write, Written};
use std::sync::Arc;

pub(super) async fn answers_are_in_the_order_of_the_writes(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("old")).await;
    let mut batch = Vec::new();
    for index in 0..30 {
        batch.push(match index % 3 {
            0 => Write::Start(start(&format!("new {index}"))),
            1 => Write::Append(append(no, [2 + index / 3])),
            _ => Write::Start(start("old")),
        });
    }
    let written = worker.commit(batch).await;
    assert_eq!(written.len(), 30);
    for (index, written) in written.iter().enumerate() {
        match (index % 3, written) {
            (0, Written::Started(no)) => assert_eq!(worker.found(&format!("new {index}")).await.no, *no),
            (1, Written::Appended) => {}
            (2, Written::Exists(instance)) => assert_eq!(instance.no, no),
            _ => panic!("write {index} was answered {written:?}"),
        }
    }
    assert_eq!(worker.journal(no).await, rows(1..=11));
}

pub(super) async fn each_write_sees_those_before_it(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let batch = [
        Write::Append(append(no, [2])),
        Write::Append(touching(no, 3, Status::Parked)),
        Write::Start(start("a")),
        Write::Append(append(no, 4..=6)),
        Write::Append(touching(no, 7, Status::Completed)),
    ];
    let written = worker.commit(batch).await;
    let Written::Exists(seen) = &written[2] else { panic!("a second start answered {:?}", written[2]) };
    assert_eq!(seen.status, Status::Parked, "a write sees what is before it in the batch, and not what is after");
    assert_eq!(worker.found("a").await.status, Status::Completed);
    assert_eq!(worker.journal(no).await, rows(1..=7));
}

pub(super) async fn one_bad_write_is_named_and_nothing_is_written(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let other = worker.start(start("b")).await;
    let good = |id: &str| Write::Start(start(id));
    let bad = Write::Append(append(no, [9]));
    let batch = vec![good("c"), Write::Append(touching(other, 2, Status::Parked)), good("d"), bad, good("e")];
    assert_eq!(worker.refused(batch.clone()).await, 3);
    for id in ["c", "d", "e"] {
        assert_eq!(worker.find(id).await, None, "a start of a refused batch was written");
    }
    assert_eq!(worker.journal(other).await, rows(1..=1), "an append of a refused batch was written");
    assert_eq!(worker.found("b").await.status, Status::Ready, "a touch of a refused batch was written");
    worker.commit(batch.into_iter().enumerate().filter(|(index, _)| *index != 3).map(|(_, write)| write)).await;
    assert!(worker.find("e").await.is_some(), "without the bad write the others can be written");
}

pub(super) async fn the_first_of_several_bad_writes_is_named(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let bad_start = Start { rows: rows([2]), ..start("b") };
    let batch = vec![Write::Append(append(no, [2])), Write::Start(bad_start), Write::Append(append(no, [9]))];
    assert_eq!(worker.refused(batch.clone()).await, 1);
    assert_eq!(worker.refused(batch.into_iter().rev()).await, 0);
}

pub(super) async fn batches_of_every_size_are_written_as_they_are(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let mut running: Vec<(String, InstanceNo)> = Vec::new();
    // Each ends what the one before it has started.
    for size in [1, 3, 15, 64, 65, 300, 2, 0] {
        let ids: Vec<String> = (0..size).map(|place| format!("{place} of {size}")).collect();
        let ends = running.iter().map(|(_, no)| Write::Append(touching(*no, 2, Status::Completed)));
        let batch: Vec<Write> = ends.chain(ids.iter().map(|id| Write::Start(start(id)))).collect();
        let written = worker.commit(batch).await;
        for (id, no) in &running {
            let found = worker.found(id).await;
            assert_eq!((found.no, found.status), (*no, Status::Completed), "{id}");
            assert_eq!(worker.journal(*no).await, rows(1..=2), "{id}");
        }
        let started = written[running.len()..].iter().map(|written| match written {
            Written::Started(no) => *no,
            other => panic!("a start of a new identity answered {other:?}"),
        });
        running = ids.into_iter().zip(started).collect();
    }
}

pub(super) async fn ten_thousand_writes_fit_into_one(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let written = worker.commit((0..10_000).map(|id| Write::Start(start(&id.to_string())))).await;
    let numbers: Vec<_> =
        written.iter().map(|written| if let Written::Started(no) = written { no.0 } else { 0 }).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "10,000 starts were not given rising numbers");
    let appends = written.iter().map(|written| match written {
        Written::Started(no) => Write::Append(append(*no, 2..=3)),
        other => panic!("a start of a new identity answered {other:?}"),
    });
    worker.commit(appends.collect::<Vec<_>>()).await;
    let last = worker.found("9999").await;
    assert_eq!(worker.journal(last.no).await, rows(1..=3));
}

pub(super) async fn ten_thousand_rows_fit_into_one_write(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    worker.append(append(no, 2..=10_001)).await;
    assert_eq!(worker.journal(no).await, rows(1..=10_001));
    assert_eq!(worker.refused([Write::Append(append(no, 10_003..=20_000))]).await, 0);
}

pub(super) async fn concurrent_commits_all_arrive(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let epoch = worker.epoch;
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let worker = Worker { store: &*store, epoch };
                let no = worker.start(start(&format!("task {task}"))).await;
                for seq in 2..=20 {
                    worker.append(append(no, [seq])).await;
                }
                assert_eq!(worker.journal(no).await, rows(1..=20));
                no
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.expect("no commit fails because of another"));
    }
    numbers.sort_unstable();
    assert_eq!(worker.list(&[], None, 100).await, numbers);
}

pub(super) async fn one_identity_started_many_times_at_once_starts_once(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let epoch = worker.epoch;
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let store = Arc::clone(&store);
            let start = Start { birth: format!("birth {task}").into(), at: NOW + task, ..start("a") };
            tokio::spawn(async move {
                let worker = Worker { store: &*store, epoch };
                worker.commit([Write::Start(start)]).await.remove(0)
            })
        })
        .collect();
    let (mut started, mut existing) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.expect("a start is answered") {
            Written::Started(no) => started.push(no),
            Written::Exists(instance) => existing.push(instance.no),
            Written::Appended => panic!("a start was answered as an append"),
        }
    }
    assert_eq!(started.len(), 1, "one identity was started {} times", started.len());
    assert!(existing.iter().all(|no| *no == started[0]));
}
