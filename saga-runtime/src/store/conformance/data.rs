use super::support::{NOW, Worker, append, row, start, touch};
use crate::store::{Append, Micros, Row, Start, Status, Store, Touch};
use std::sync::Arc;

/// Texts that somebody has lost before. A NUL is not among them: a store may refuse it, as [`nul`] shows.
const TEXTS: [&str; 14] = [
    "",
    " ",
    " leading and trailing ",
    "it's \"quoted\" `so`",
    "'; DROP TABLE instance; --",
    r#"{"json":"with \\ and \u0000 and \n"}"#,
    "percent % underscore _ question ? dollar $1 colon :a at @b",
    "line\nbreak\r\n\ttab",
    "żółć, Straße, ÅÄÖ, e\u{301}",
    "日本語 العربية עברית",
    "🧾👩\u{200d}👩\u{200d}👧🏳\u{fe0f}\u{200d}🌈",
    "\u{feff}byte order mark",
    "\u{1}\u{1f}\u{7f}\u{85}\u{2028}",
    "\u{10ffff}\u{fffd}\u{e000}",
];

pub(super) async fn any_text_comes_back_as_it_was(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for (index, text) in TEXTS.into_iter().enumerate() {
        let id = format!("{index}{text}");
        let saga = format!("saga {text}");
        let event = Row { event: text.into(), ..row(1, "") };
        let started = Start {
            saga: saga.as_str().into(),
            birth: format!("birth {text}").into(),
            rows: vec![event.clone()],
            ..start(&id)
        };
        let no = worker.start(started.clone()).await;
        let parked = Touch { state: Some(text.into()), ..touch(Status::Parked) };
        worker.append(Append { touch: Some(parked), ..append(no, []) }).await;
        let found = store.find(&saga, &id).await.unwrap().unwrap_or_else(|| panic!("{text:?} is not found again"));
        assert_eq!((&found.id, &found.saga, &found.birth), (&started.id, &started.saga, &started.birth));
        assert_eq!(found.state.as_deref(), Some(text));
        assert_eq!(worker.journal(no).await, [event]);
        let request = worker.request(no, text).await.unwrap();
        assert_eq!(store.inbox(no).await.unwrap(), [(request, text.into())]);
    }
    nul(worker).await;
}

/// A NUL comes back as it was, or is refused by name: it is never cut off.
async fn nul(worker: Worker<'_>) {
    let no = worker.start(start("nul")).await;
    let event = Row { event: "before\0after".into(), ..row(2, "") };
    let write = Append { rows: vec![event.clone()], ..append(no, []) };
    match worker.try_commit([super::super::Write::Append(write)]).await {
        Ok(_) => assert_eq!(worker.journal_from(no, 2, 1).await, [event]),
        Err(super::super::StoreError::Write { index: 0, .. }) => {}
        Err(other) => panic!("a row with a NUL answered {other:?}"),
    }
}

pub(super) async fn large_rows_come_back_whole(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    let no = worker.start(start("a")).await;
    let large = |seq: u64, unit: &str| row(seq, &unit.repeat((4 << 20) / unit.len()));
    let rows = vec![large(2, "x"), large(3, "é"), row(4, "small"), large(5, "\u{1f9fe}")];
    worker.append(Append { rows: rows.clone(), ..append(no, []) }).await;
    assert!(worker.journal_from(no, 2, 10).await == rows, "rows of 4 MiB came back changed");
    let id = "long ".repeat(200);
    worker.start(start(&id)).await;
    assert_eq!(&*worker.found(&id).await.id, id);
}

pub(super) async fn extreme_numbers_come_back(store: Arc<dyn Store>) {
    let worker = Worker::new(&*store).await;
    for (index, moment) in [0, -1, Micros::MIN, Micros::MAX, NOW].into_iter().enumerate() {
        let id = index.to_string();
        let rows = vec![Row { at: moment, ..row(1, "{}") }];
        let started = Start { at: moment, version: u32::MAX, input_hash: [255; 32], rows: rows.clone(), ..start(&id) };
        let no = worker.start(started).await;
        let asleep = Touch { wake_at: Some(moment), at: moment, ..touch(Status::Sleeping) };
        worker.append(Append { touch: Some(asleep), ..append(no, []) }).await;
        let found = worker.found(&id).await;
        assert_eq!((found.started_at, found.wake_at, found.version), (moment, Some(moment), u32::MAX));
        assert_eq!(worker.journal(no).await, rows);
    }
    assert_eq!(worker.claimed(Micros::MAX, 10).await.len(), 5);
    let no = worker.start(start("far")).await;
    let beyond = Append { rows: vec![Row { seq: u64::MAX, ..row(2, "{}") }], ..append(no, []) };
    assert_eq!(worker.refused([super::super::Write::Append(beyond)]).await, 0);
}
