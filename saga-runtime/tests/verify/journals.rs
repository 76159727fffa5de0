//! Journals with a damage that somebody planted: what is wrong with each is said, and nothing else.

use super::found;
use saga_runtime::{
    prelude::*,
    store::{Append, InstanceNo, Labels, Micros, Row, Start, Status, Store, Touch, Write, memory::Memory},
    verify::{Ledger, Promise, verify_by},
};
use std::sync::Arc;

/// A store with one instance of these rows, each with its moment, left in this way.
async fn left(rows: &[(Micros, &str)], touch: Touch) -> Arc<Memory> {
    let store = Arc::new(Memory::default());
    let epoch = store.register().await.unwrap();
    let row =
        |(index, (at, text)): (usize, &(Micros, &str))| Row { seq: index as u64 + 1, at: *at, event: (*text).into() };
    let rows: Vec<Row> = rows.iter().enumerate().map(row).collect();
    let start = Start {
        saga: "order".into(),
        id: "1".into(),
        birth: "born".into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows: rows[..1].to_vec(),
    };
    store.commit(epoch, &[Write::Start(start)]).await.unwrap();
    let append = Append { touch: Some(touch), ..Append::new(InstanceNo(1), rows[1..].to_vec()) };
    store.commit(epoch, &[Write::Append(append)]).await.unwrap();
    store
}

/// All of them at one moment.
async fn with_rows(rows: &[&str], status: Status) -> Arc<Memory> {
    let rows: Vec<(Micros, &str)> = rows.iter().map(|row| (0, *row)).collect();
    left(&rows, Touch::new(status, 1_000)).await
}

const STARTED: &str = r#"{"started":{"version":1,"parameter":"n","input":1}}"#;
const HOLD: &str =
    r#"{"called":{"state":"hold","fingerprint":"f","calls":{"step":[{"step":"hold","compensation":"release"},{}]}}}"#;
const PAY: &str =
    r#"{"called":{"state":"pay","fingerprint":"f","calls":{"step":[{"step":"pay","class":"pivot"},{}]}}}"#;
const DONE: &str = r#"{"answered":{"done":null}}"#;
const UNWINDING: &str = r#"{"unwinding":{"cause":"deadline","doubt":[]}}"#;
const COMPENSATED: &str = r#"{"compensated":{}}"#;
const COMPLETED: &str = r#"{"completed":{"output":null}}"#;
const CHILD: &str = r#"{"called":{"state":"c","fingerprint":"f","calls":{"child":{"child":{"saga":"s","id":"x",
    "kind":"compensatable"},"arguments":{}}}}}"#;
const SKIPPED: &str = r#"{"undone":{"call":{"row":2},"how":{"skipped":{"by":"me","why":"it is late"}}}}"#;
const EXHAUSTED: &str = r#"{"answered":{"exhausted":{"step":"hold","last_error":"no"}}}"#;
const PARKED: &str = r#"{"parked":{"cause":"exhausted","error":"no"}}"#;
const LOOPING: &str = r#"{"parked":{"cause":"crash_loop","error":"no","undo":{"row":2}}}"#;
const CRASH_LOOP: &str = r#"{"parked":{"cause":"crash_loop","error":"no"}}"#;

fn undone(row: u64) -> String {
    format!(r#"{{"undone":{{"call":{{"row":{row}}},"how":"done"}}}}"#)
}

/// A failed attempt, and when the next one is due.
fn failed(attempt: u32, retry_at: Option<Micros>) -> String {
    let next = retry_at.map_or(String::new(), |at| format!(r#","retry_at":{at}"#));
    format!(r#"{{"attempt_failed":{{"attempt":{attempt},"error":"no","effect":true{next}}}}}"#)
}

/// The same of the undo of the call in row 2.
fn undo_failed(attempt: u32, retry_at: Option<Micros>) -> String {
    let failed = failed(attempt, retry_at);
    let failed = failed.trim_start_matches(r#"{"attempt_failed":"#).strip_suffix('}').expect("it is an object");
    format!(r#"{{"compensation_failed":{{"call":{{"row":2}},"failed":{failed}}}}}"#)
}

fn recovered(count: u32) -> String {
    format!(r#"{{"recovered":{{"count":{count}}}}}"#)
}

#[tokio::test]
async fn a_journal_that_breaks_a_promise_is_found_by_rules_of_its_own() {
    let (first, second, failed) = (undone(2), undone(4), failed(1, None));
    for (rows, promise, says) in [
        (
            vec![STARTED, HOLD, DONE, HOLD, DONE, UNWINDING, &first, &second, COMPENSATED],
            Promise::Reverse,
            "`hold` is undone before `hold`",
        ),
        (vec![STARTED, HOLD, DONE, UNWINDING, &first, &first, COMPENSATED], Promise::Reverse, "`hold` is undone twice"),
        (
            vec![STARTED, HOLD, DONE, UNWINDING, COMPENSATED],
            Promise::AllOrNone,
            "`hold`, done in row 3, was never undone",
        ),
        (
            vec![STARTED, HOLD, DONE, PAY, DONE, UNWINDING, &first, COMPENSATED],
            Promise::OnePivot,
            "it unwinds after the pivot",
        ),
        (vec![STARTED, UNWINDING, &first, COMPENSATED], Promise::Reverse, "what was never called is undone"),
        (vec![STARTED, HOLD, UNWINDING, COMPENSATED, DONE], Promise::Chain, "it goes on after its end"),
        (
            vec![STARTED, HOLD, r#"{"unwinding":{"cause":"deadline","doubt":[""]}}"#, COMPENSATED],
            Promise::AllOrNone,
            "`hold`, which may have happened, was never undone",
        ),
        (
            vec![STARTED, HOLD, &failed, EXHAUSTED, UNWINDING, COMPENSATED],
            Promise::AllOrNone,
            "`hold`, which may have happened, is answered before it is undone",
        ),
        (vec![STARTED, STARTED], Promise::OneStart, "it is started once more"),
        (vec![STARTED, HOLD, DONE, DONE], Promise::Chain, "`hold` is answered twice, first in row 3"),
        (
            vec![STARTED, PAY, DONE, PAY, DONE, COMPLETED],
            Promise::OnePivot,
            "`pay` is a second pivot after that of row 3",
        ),
        (vec![STARTED, HOLD, DONE, PAY, DONE, &first], Promise::OnePivot, "`hold` is undone after the pivot in row 5"),
        (vec![STARTED, CHILD, COMPLETED], Promise::NoOrphan, "the saga that it started in row 2, and waits for"),
        (
            vec![STARTED, HOLD, DONE, UNWINDING, SKIPPED, COMPENSATED],
            Promise::DebtIsVisible,
            "the store says Compensated",
        ),
        (
            vec![STARTED, HOLD, DONE, UNWINDING, SKIPPED, COMPENSATED],
            Promise::DebtIsVisible,
            "the undo of `hold` was skipped, and the end does not say so",
        ),
    ] {
        let store = with_rows(&rows, Status::Compensated).await;
        let found = found(&store, &Ledger::default()).await;
        let told = found.iter().any(|(which, what)| *which == promise && what.contains(says));
        assert!(told, "{says}: {found:?}");
    }
    // The journal has not ended, and the store says it has.
    let store = with_rows(&[STARTED, HOLD], Status::Completed).await;
    assert_eq!(found(&store, &Ledger::default()).await[0].0, Promise::Chain);
}

#[tokio::test]
async fn debt_is_told_where_an_undo_was_skipped_until_it_is_settled_and_nowhere_else() {
    let settled = r#"{"debt_settled":{"call":{"row":2},"by":"me","why":"it was paid"}}"#;
    let (first, refused) = (undone(2), r#"{"answered":{"refused":null}}"#);
    let owed = vec![STARTED, HOLD, DONE, UNWINDING, SKIPPED, COMPENSATED];
    let paid = [owed.clone(), vec![settled]].concat();
    // A scope of which an undo was skipped, and a flow that goes on as if nothing were owed.
    let goes_on = vec![STARTED, HOLD, refused, SKIPPED, COMPLETED];
    let nothing = vec![STARTED, HOLD, DONE, UNWINDING, &first, COMPENSATED];
    for (rows, status, says) in [
        (&owed, Status::CompensatedWithDebt, None),
        (&paid, Status::Compensated, None),
        (&paid, Status::CompensatedWithDebt, Some("it is told to have ended with debt, and no undo was skipped")),
        (&goes_on, Status::Completed, Some("the undo of `hold` was skipped, and the end does not say so")),
        (&nothing, Status::CompensatedWithDebt, Some("it is told to have ended with debt, and no undo was skipped")),
    ] {
        let found = found(&*with_rows(rows, status).await, &Ledger::default()).await;
        let told = found.iter().any(|(promise, what)| *promise == Promise::DebtIsVisible && Some(&**what) == says);
        assert_eq!(told, says.is_some(), "{rows:?}, {status:?}: {found:?}");
    }
}

#[tokio::test]
async fn a_call_that_did_not_happen_after_all_needs_no_undo() {
    let (once, last) = (failed(1, Some(0)), failed(1, None));
    let did_not = r#"{"decided":{"request":1,"verb":"did_not_happen","by":"me","why":"","park":4}}"#;
    for rows in [
        // Under the contract of the key a refusal says so, and whoever decides is believed.
        vec![STARTED, HOLD, &once, r#"{"answered":{"refused":null}}"#, UNWINDING, COMPENSATED],
        vec![STARTED, HOLD, &last, PARKED, did_not, UNWINDING, COMPENSATED],
    ] {
        assert_eq!(found(&*with_rows(&rows, Status::Compensated).await, &Ledger::default()).await, []);
    }
}

#[tokio::test]
async fn a_snapshot_that_is_not_what_comes_before_it_is_found_and_nothing_else_is() {
    // After two rows: what the engine writes of them, but for when that was.
    let snapshot = |recoveries: u32, log: &str| {
        format!(
            r#"{{"snapshot":{{"state":{{"seq":2,"at":0,"deadline":null,"late":false,"root":{{"phase":{{"calling":{{"call":{{"row":2,
            "state":"hold","fingerprint":"f","ordinal":1,"step":{{"step":"hold","compensation":"release"}}}},"doing":{{"step":{{
            "count":0,"forgiven":0,"first":0,"since":0,"doubt":false,"last_error":null,"retry_at":null}}}}}}}},
            "stored":{{"n":{{"row":1,"size":1}}}},"ordinals":{{"hold":1}},"log":{log}}},"recoveries":{recoveries},
            "pivot_passed":false,"debt":[]}}}}}}"#
        )
    };
    let log = r#"{"entries":[],"tries":{"count":0,"forgiven":0,"first":0,"since":0,"doubt":false,"last_error":null,"retry_at":null}}"#;
    let forged = log.replace(
        r#""entries":[]"#,
        r#""entries":[{"call":{"call":{"row":2},"step":"hold","compensation":"release"}}]"#,
    );
    let right = with_rows(&[STARTED, HOLD, &snapshot(0, log), DONE], Status::Ready).await;
    assert_eq!(found(&right, &Ledger::default()).await, []);
    for (snapshot, part) in [(snapshot(2, log), "recoveries"), (snapshot(0, &forged), "root")] {
        let store = with_rows(&[STARTED, HOLD, &snapshot, DONE], Status::Ready).await;
        let says = format!("the snapshot is not what the rows before it come to: `{part}`");
        assert_eq!(found(&store, &Ledger::default()).await, [(Promise::Chain, says)]);
    }
}

#[tokio::test]
async fn attempts_are_counted_wait_for_their_time_and_end() {
    let tries = |attempt: u32, at: Micros| failed(attempt, Some(at));
    let (one, two, three) = (tries(1, 10), tries(2, 20), tries(3, 30));
    let (last, undo, undo_last) = (failed(1, None), undo_failed(1, Some(10)), undo_failed(1, None));
    let again = undo_failed(2, Some(20));
    let [r1, r2, r3, r4] = [1, 2, 3, 4].map(recovered);
    let undone = undone(2);
    let retry = r#"{"decided":{"request":1,"verb":"retry","by":"me","why":"","park":4}}"#;
    // What is right: attempts in time, lost ones that count, and a retry that somebody asked for.
    let right: [Vec<(Micros, &str)>; 4] = [
        vec![(0, STARTED), (0, HOLD), (0, &one), (10, &two), (20, DONE)],
        vec![(0, STARTED), (0, HOLD), (0, &r1), (0, &two), (20, &r1), (20, DONE)],
        vec![(0, STARTED), (0, HOLD), (0, &last), (0, PARKED), (9, retry), (9, &two), (20, DONE)],
        vec![(0, STARTED), (0, HOLD), (0, &r1), (0, &r2), (0, &r3), (0, &r4), (0, CRASH_LOOP)],
    ];
    for rows in right {
        let parked = rows.last().is_some_and(|(_, row)| *row == CRASH_LOOP);
        let touch = Touch::new(if parked { Status::Parked } else { Status::Ready }, 1_000);
        let touch = Touch { error: parked.then(|| "no".into()), ..touch };
        assert_eq!(found(&*left(&rows, touch).await, &Ledger::default()).await, [], "{rows:?}");
    }
    for (rows, says) in [
        (
            vec![(0, STARTED), (0, HOLD), (0, &*three)],
            "`hold` is told to fail at attempt 3 after 0 attempts and 0 recoveries",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, &one), (10, &one)],
            "`hold` is told to fail at attempt 1 after 1 attempts and 0 recoveries",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, &one), (9, &two)],
            "`hold` is attempted 1 µs before the back-off after attempt 1 is over",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, &one), (5, DONE)],
            "`hold` is attempted 5 µs before the back-off after attempt 1 is over",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, &last), (0, &two)],
            "`hold` is attempted once more after attempt 1, and was given up then",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, DONE), (0, UNWINDING), (0, &undo), (9, &again)],
            "the undo of `hold` is attempted 1 µs before the back-off after attempt 1 is over",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, DONE), (0, UNWINDING), (0, &undo), (9, &undone)],
            "the undo of `hold` is attempted 1 µs before the back-off after attempt 1 is over",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, DONE), (0, UNWINDING), (0, &undo_last), (0, &undone)],
            "the undo of `hold` is attempted once more after attempt 1, and was given up then",
        ),
        (
            vec![(0, STARTED), (0, HOLD), (0, DONE), (0, UNWINDING), (0, &again)],
            "the undo of `hold` is told to fail at attempt 2 after 0 attempts and 0 recoveries",
        ),
        (vec![(0, STARTED), (0, HOLD), (0, &r2)], "it is recovery 1 without progress, and is told as 2"),
        (
            vec![(0, STARTED), (0, HOLD), (0, &r1), (0, &r2), (0, &r3), (0, &r4), (0, DONE)],
            "3 recoveries were in vain, and it is not parked: answered",
        ),
    ] {
        let store = left(&rows, Touch::new(Status::Ready, 1_000)).await;
        assert_eq!(found(&store, &Ledger::default()).await, [(Promise::Bounded, says.into())]);
    }
    let many: Vec<String> = (1..=5).map(recovered).collect();
    let mut rows = vec![STARTED, HOLD];
    rows.extend(many.iter().map(|row| &**row));
    let says = found(&*with_rows(&rows, Status::Ready).await, &Ledger::default()).await;
    assert_eq!(says, [(Promise::Bounded, "it is recovered 5 times without progress, and 3 is the most".into())]);
}

/// Who retries the whole asks for another attempt in each of its branches, but not of what is parked by itself.
#[tokio::test]
async fn a_retry_of_the_whole_is_one_of_all_that_is_in_it() {
    let join = r#"{"called":{"state":"both","fingerprint":"f","calls":{"join":{"callees":[{"step":{"step":"hold",
        "compensation":"release"}}],"branches":[{},{}]}}}}"#;
    let within = |row: &str| format!(r#"{{"in":{{"branch":"both.1.0","event":{row}}}}}"#);
    let (begun, retry) = (r#"{"begun":{"branches":[0,1]}}"#, |park: u32| {
        format!(r#"{{"decided":{{"request":1,"verb":"retry","by":"me","why":"","park":{park}}}}}"#)
    });
    let (last, again, parked) = (within(&failed(1, None)), within(&failed(2, Some(10))), within(PARKED));
    let (whole, one, both) = (retry(5), retry(5), retry(6));
    for (rows, says) in [
        (vec![STARTED, join, begun, &last, CRASH_LOOP, &whole, &again], None),
        (vec![STARTED, join, begun, &last, &parked, &one, &again], None),
        (
            vec![STARTED, join, begun, &last, &parked, CRASH_LOOP, &both, &again],
            Some("`hold` is attempted once more after attempt 1, and was given up then"),
        ),
    ] {
        // It is about what is parked, and that it cannot be attempted is another rule's.
        let found = found(&*with_rows(&rows, Status::Ready).await, &Ledger::default()).await;
        let told: Vec<&str> =
            found.iter().filter(|(promise, _)| *promise == Promise::Bounded).map(|(_, what)| &**what).collect();
        assert_eq!(told, says.into_iter().collect::<Vec<_>>(), "{rows:?}");
    }
}

#[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
enum No {}

/// Steps that are bounded in one way each.
struct Bounded;

#[saga(name = "order", version = 1)]
impl Bounded {
    #[flow]
    async fn run(&self, cx: &FlowContext, _n: u32) -> Result<(), Unwind<No>> {
        self.twice(cx).await?;
        self.timed(cx).await?;
        self.keyed(cx).await?;
        self.hold(cx).await?;
        Ok(())
    }

    #[step(no_compensation = "a test", retry(attempts = 2))]
    async fn twice(&self, _cx: &StepContext) -> Result<(), Failure<No>> {
        Ok(())
    }

    #[step(no_compensation = "a test", deadline = "1s", timeout = "1s")]
    async fn timed(&self, _cx: &StepContext) -> Result<(), Failure<No>> {
        Ok(())
    }

    #[step(no_compensation = "a test", key_valid = "1s")]
    async fn keyed(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        Ok(())
    }

    #[step]
    async fn hold(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        Ok(())
    }

    #[compensate(hold, within = "1s", retry(attempts = 3))]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        let _ = cx.key();
        Ok(())
    }
}

#[tokio::test]
async fn attempts_beyond_the_policy_are_found_where_the_definition_is_known() {
    let called = |step: &str| {
        let call = r#"{"called":{"state":"S","fingerprint":"f","calls":{"step":[{"step":"S","class":"not_compensated"},{}]}}}"#;
        call.replace('S', step)
    };
    let (twice, timed, keyed) = (called("twice"), called("timed"), called("keyed"));
    let tries = |attempt: u32, at: Micros| failed(attempt, Some(at));
    let (one, two, late, later) = (tries(1, 10), tries(2, 20), tries(1, 1_000_000), tries(1, 1_000_001));
    let last = failed(2, None);
    let (r1, r2, r3) = (recovered(1), recovered(2), recovered(3));
    let retry = r#"{"decided":{"request":1,"verb":"retry","by":"me","why":"","park":5}}"#;
    let third = failed(3, Some(1_000_008));
    let (undo1, undo2, undo3) = (undo_failed(1, Some(10)), undo_failed(2, Some(20)), undo_failed(3, Some(30)));
    let undo_late = undo_failed(1, Some(1_000_002));
    let (r4, undo5, undo6) = (recovered(4), undo_failed(5, Some(10)), undo_failed(6, Some(20)));
    let again = r#"{"decided":{"request":1,"verb":"retry","by":"me","why":"","park":9}}"#;
    let unwinds = [(0, STARTED), (0, HOLD), (0, DONE), (0, UNWINDING)];
    let unwound = |more: &[(Micros, &'_ str)]| -> Vec<(Micros, String)> {
        unwinds.iter().chain(more).map(|(at, row)| (*at, (*row).to_owned())).collect()
    };
    let forward = |more: &[(Micros, &'_ str)]| -> Vec<(Micros, String)> {
        std::iter::once(&(0, STARTED)).chain(more).map(|(at, row)| (*at, (*row).to_owned())).collect()
    };
    let cases = [
        // At the bound.
        (forward(&[(0, &twice), (0, &one), (10, &last), (10, PARKED)]), None),
        (forward(&[(0, &twice), (0, &one), (10, &last), (10, PARKED), (8, retry), (8, &third)]), None),
        (forward(&[(0, &timed), (0, &tries(1, 999_999))]), None),
        (forward(&[(0, &keyed), (0, &late)]), None),
        (unwound(&[(1, &undo1), (10, &undo2)]), None),
        // What was lost in a crash loop counts no more, although no row tells of an attempt.
        (unwound(&[(0, &r1), (0, &r2), (0, &r3), (0, &r4), (0, LOOPING), (1, again), (1, &undo5), (10, &undo6)]), None),
        // Beyond it.
        (
            forward(&[(0, &twice), (0, &one), (10, &two)]),
            Some("`twice` is to be attempted once more after 2, and 2 is the most there may be"),
        ),
        (
            forward(&[(0, &twice), (0, &r1), (0, &r2), (0, &failed(3, None))]),
            Some("`twice` is attempted 3 times, and 2 is the most there may be"),
        ),
        (
            unwound(&[(0, &r1), (0, &r2), (0, &r3), (0, &undo_failed(4, None))]),
            Some("the undo of `hold` is attempted 4 times, and 3 is the most there may be"),
        ),
        (
            forward(&[(0, &timed), (0, &late)]),
            Some("`timed` is to be attempted once more 1000000 µs after the first, beyond 1s"),
        ),
        (
            forward(&[(0, &keyed), (0, &later)]),
            Some("`keyed` is to be attempted once more when its key, valid for 1s, has expired"),
        ),
        (
            unwound(&[(0, &undo1), (10, &undo2), (20, &undo3)]),
            Some("the undo of `hold` is to be attempted once more after 3, and 3 is the most there may be"),
        ),
        (
            unwound(&[(1, &undo_late)]),
            Some("the undo of `hold` is to be attempted once more 1000001 µs after the first, beyond 1s"),
        ),
    ];
    for (rows, says) in cases {
        let rows: Vec<(Micros, &str)> = rows.iter().map(|(at, row)| (*at, &**row)).collect();
        let parked = rows.last().is_some_and(|(_, row)| *row == PARKED);
        let touch = Touch::new(if parked { Status::Parked } else { Status::Ready }, 2_000_000);
        let store = left(&rows, Touch { error: parked.then(|| "no".into()), ..touch }).await;
        assert_eq!(found(&store, &Ledger::default()).await, [], "nobody knows the policy: {rows:?}");
        let verdict = verify_by(&*store, &Ledger::default(), &[Bounded::definition()]).await.unwrap();
        let told: Vec<_> = verdict.violations.iter().map(|one| (one.promise, &*one.what)).collect();
        assert_eq!(told, says.map(|says| (Promise::Bounded, says)).into_iter().collect::<Vec<_>>(), "{rows:?}");
    }
}

#[tokio::test]
async fn what_is_parked_is_parked_in_the_store_and_nothing_wakes_it() {
    let parked = Touch { error: Some("no".into()), state: Some("hold".into()), ..Touch::new(Status::Parked, 1_000) };
    let by_journal = [(0, STARTED), (0, HOLD), (0, PARKED)];
    let store = left(&by_journal, parked.clone()).await;
    assert_eq!(found(&store, &Ledger::default()).await, []);
    for (rows, touch, promise, says) in [
        (
            &by_journal[..],
            Touch { wake_at: Some(5), ..parked.clone() },
            Promise::Isolation,
            "it is parked, and something is to wake it",
        ),
        (&by_journal[..], Touch { error: None, ..parked.clone() }, Promise::Ends, "it is parked without a reason"),
        (
            &by_journal[..],
            Touch::new(Status::Ready, 1_000),
            Promise::Isolation,
            "the journal says that it is parked, the store that it is Ready",
        ),
        (&by_journal[..2], parked, Promise::Isolation, "it is parked, and its journal does not say what is"),
    ] {
        let store = left(rows, touch).await;
        assert_eq!(found(&store, &Ledger::default()).await, [(promise, says.into())]);
    }
}
