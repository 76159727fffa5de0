use super::support::{NOW, Worker, append, owned, rows, start, touch, touching};
use crate::store::{Append, InstanceNo, Labels, RequestNo, Row, Start, Status, Store, Touch, Write};
use std::sync::Arc;

pub(super) async fn rows_are_read_in_order_from_any_place(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let other = worker.start(start("b")).await;
    worker.append(append(no, 2..=4)).await;
    worker.append(append(other, 2..=9)).await;
    worker.append(append(no, 5..=10)).await;
    assert_eq!(worker.journal(no).await, rows(1..=10));
    assert_eq!(worker.journal_from(no, 4, 3).await, rows(4..=6));
    assert_eq!(worker.journal_from(no, 0, 2).await, rows(1..=2));
    assert_eq!(worker.journal_from(no, 10, 5).await, rows(10..=10));
    assert_eq!(worker.journal_from(no, 11, 5).await, []);
    assert_eq!(worker.journal_from(no, u64::MAX, 5).await, []);
    assert_eq!(worker.journal_from(no, 1, 0).await, []);
    assert_eq!(worker.journal_from(InstanceNo(no.0 + 1000), 1, 5).await, [], "no instance, no rows");
}

pub(super) async fn journals_are_read_together(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let (first, second) = (worker.start(start("a")).await, worker.start(start("b")).await);
    worker.append(append(first, 2..=4)).await;
    worker.append(append(first, 5..=9)).await;
    worker.append(append(second, 2..=3)).await;
    let none = InstanceNo(second.0 + 1000);
    let read = async |asked: &[InstanceNo], limit: usize| store.journals(asked, limit).await.unwrap();
    assert_eq!(read(&[first, second], 20).await, [rows(1..=9), rows(1..=3)]);
    // In the order in which they are asked for, each as far as the limit, also within what was written together.
    assert_eq!(read(&[second, none, first, second], 6).await, [rows(1..=3), vec![], rows(1..=6), rows(1..=3)]);
    assert_eq!(read(&[second, first], 2).await, [rows(1..=2), rows(1..=2)]);
    assert_eq!(read(&[first], 0).await, [vec![]]);
    assert_eq!(read(&[], 5).await, Vec::<Vec<Row>>::new());
}

pub(super) async fn a_gap_is_refused_and_nothing_is_written(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    for seqs in [vec![3], vec![2, 4], vec![2, 2], vec![3, 2]] {
        let touched = Append { touch: Some(touch(Status::Parked)), ..append(no, seqs.clone()) };
        assert_eq!(worker.refused([Write::Append(touched)]).await, 0, "rows {seqs:?} were accepted");
    }
    assert_eq!(worker.journal(no).await, rows(1..=1));
    assert_eq!(worker.found("a").await.status, Status::Ready);
}

pub(super) async fn a_sequence_that_is_taken_is_refused(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    worker.append(append(no, [2])).await;
    assert_eq!(worker.refused([Write::Append(append(no, [2]))]).await, 0, "the very same row was accepted twice");
    assert_eq!(worker.refused([Write::Append(append(no, [1]))]).await, 0);
    assert_eq!(worker.journal(no).await, rows(1..=2));
}

pub(super) async fn an_instance_that_does_not_exist_is_refused(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for no in [InstanceNo(77), InstanceNo(0), InstanceNo(-1)] {
        assert_eq!(worker.refused([Write::Append(append(no, [1]))]).await, 0);
        assert_eq!(worker.refused([Write::Append(append(no, []))]).await, 0);
        let touched = Append { touch: Some(touch(Status::Parked)), ..append(no, []) };
        assert_eq!(worker.refused([Write::Append(touched)]).await, 0);
    }
}

pub(super) async fn a_touch_changes_the_row_and_nothing_else_does(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    let other = worker.start(owned("b")).await;
    let before = worker.found("b").await;
    let asleep = Touch {
        wake_at: Some(NOW + 77),
        state: Some("reserve".into()),
        owned: true,
        ..Touch::new(Status::Sleeping, NOW + 1)
    };
    worker.append(Append { touch: Some(asleep), ..append(no, [2]) }).await;
    let after = worker.found("a").await;
    assert_eq!(
        (after.status, after.wake_at, after.state.as_deref()),
        (Status::Sleeping, Some(NOW + 77), Some("reserve"))
    );
    assert_eq!((after.owner, after.ended_at), (Some(worker.epoch), None));
    worker.append(Append { touch: Some(touch(Status::Parked)), ..append(no, []) }).await;
    let after = worker.found("a").await;
    assert_eq!((after.status, after.wake_at, after.state, after.owner), (Status::Parked, None, None, None));
    assert_eq!(worker.journal(no).await, rows(1..=2), "a touch without rows added some");
    assert_eq!(worker.found("b").await, before, "a touch of {no:?} changed {other:?}");
}

pub(super) async fn without_a_touch_the_row_stays_as_it_is(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    let before = worker.found("a").await;
    worker.append(append(no, 2..=5)).await;
    assert_eq!(worker.found("a").await, before);
}

pub(super) async fn the_first_end_is_the_moment_of_the_end(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.with_status("a", Status::CompensatedWithDebt).await;
    assert_eq!(worker.found("a").await.ended_at, Some(NOW + 1_000));
    let settled = Touch { at: NOW + 9_000, ..touch(Status::Compensated) };
    worker.append(Append { touch: Some(settled), ..append(no, [3]) }).await;
    let after = worker.found("a").await;
    assert_eq!((after.status, after.ended_at), (Status::Compensated, Some(NOW + 1_000)));
}

pub(super) async fn nobody_owns_what_has_ended(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for (id, status) in [("a", Status::Completed), ("b", Status::Compensated), ("c", Status::CompensatedWithDebt)] {
        let no = worker.start(owned(id)).await;
        let kept = Touch { owned: true, ..touch(status) };
        worker.append(Append { touch: Some(kept), ..append(no, [2]) }).await;
        assert_eq!(worker.found(id).await.owner, None, "somebody owns an instance that is {status:?}");
    }
}

pub(super) async fn consumed_requests_leave_with_the_rows_that_answer_them(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let first = worker.request(no, "1").await.unwrap();
    let second = worker.request(no, "2").await.unwrap();
    let third = worker.request(no, "3").await.unwrap();
    let refused = Append { consumed: vec![first, third], ..append(no, [5]) };
    worker.refused([Write::Append(refused)]).await;
    assert_eq!(worker.inbox(no).await, [first, second, third], "requests left although their answer was not written");
    worker.append(Append { consumed: vec![first, third], ..append(no, [2]) }).await;
    assert_eq!(worker.inbox(no).await, [second]);
    worker.append(Append { consumed: vec![second], ..touching(no, 3, Status::Completed) }).await;
    assert_eq!(worker.inbox(no).await, []);
}

pub(super) async fn consuming_what_is_not_there_changes_nothing(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let other = worker.start(start("b")).await;
    let theirs = worker.request(other, "theirs").await.unwrap();
    worker.append(Append { consumed: vec![theirs, RequestNo(theirs.0 + 100)], ..append(no, [2]) }).await;
    assert_eq!(worker.inbox(other).await, [theirs], "an instance consumed another's request");
    assert_eq!(worker.journal(no).await.len(), 2);
}

pub(super) async fn rows_are_read_by_their_numbers(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(owned("a")).await;
    worker.append(append(no, 2..=40)).await;
    let found = store.rows(no, &[39, 0, 3, 41, 3, u64::MAX, 7]).await.expect("rows can be read");
    assert_eq!(found, rows([3, 7, 39]));
    assert_eq!(store.rows(no, &[]).await, Ok(Vec::new()));
    let unknown = InstanceNo(no.0 + 1);
    assert_eq!((store.length(no).await, store.length(unknown).await), (Ok(40), Ok(0)));
    assert_eq!(store.rows(unknown, &[1]).await, Ok(Vec::new()));
}

pub(super) async fn labels_change_with_the_rows(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let label = |key: &str, value: &str| -> (Box<str>, Box<str>) { (key.into(), value.into()) };
    let odd = "gold \u{1F947} \"'\\ \u{1}";
    let begun = Labels::from([label("customer", "42"), label("region", "north")]);
    let no = worker.start(Start { labels: begun, ..owned("a") }).await;
    let set = |key: &str, value: Option<&str>| (key.into(), value.map(Into::into));
    let labels = vec![
        set("region", None),
        set("customer", Some("43")),
        set("tier", Some("1")),
        set("tier", Some(odd)),
        set("unknown", None),
    ];
    worker.append(Append { labels, ..append(no, [2]) }).await;
    let expected = Labels::from([label("customer", "43"), label("tier", odd)]);
    assert_eq!(worker.found("a").await.labels, expected);
}
