//! The verifier: stores that are right have no violation, and each damage is found.

use saga_runtime::{
    prelude::*,
    store::{Append, Filter, InstanceNo, Row, Status, Store, Touch, Write, memory::Memory},
    verify::{Effect, Ledger, Promise, verify},
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, Serialize, Deserialize, Refusal)]
enum No {
    SoldOut,
}

/// What was accepted.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Vec<Effect>>>);

impl World {
    fn accept(&self, cx: &StepContext, step: &str) {
        let effect = Effect {
            saga: cx.saga().into(),
            id: cx.instance().into(),
            step: step.into(),
            key: cx.key().into(),
            undoes: cx.undoes().map(Into::into),
            changed: true,
        };
        self.0.lock().expect("nobody panics with it").push(effect);
    }
}

struct Order(World);

#[saga(name = "order", version = 1)]
impl Order {
    #[flow]
    async fn run(&self, cx: &FlowContext, sold_out: bool) -> Result<(), Unwind<No>> {
        for line in [1, 2] {
            self.hold(cx, line).await?;
        }
        self.pay(cx, sold_out).await?;
        Ok(())
    }

    #[step]
    async fn hold(&self, cx: &StepContext, _line: u32) -> Result<(), Failure<No>> {
        self.0.accept(cx, "hold");
        Ok(())
    }

    #[compensate(hold)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        self.0.accept(cx, "hold");
        Ok(())
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, sold_out: bool) -> Result<(), Failure<No>> {
        if sold_out {
            return Err(No::SoldOut.into());
        }
        self.0.accept(cx, "pay");
        Ok(())
    }
}

/// A store with one order that completed and one that was compensated, and what was accepted.
async fn store() -> (Arc<Memory>, Ledger) {
    let (store, world) = (Arc::new(Memory::default()), World::default());
    let runtime = Runtime::builder().shared_store(store.clone()).register(Order(world.clone())).start().await.unwrap();
    for (id, sold_out) in [("filled", false), ("undone", true)] {
        runtime.start::<Order>(id, sold_out).await.unwrap().result().await.unwrap();
    }
    runtime.shutdown(std::time::Duration::from_secs(1)).await;
    let effects = world.0.lock().expect("nobody panics with it").clone();
    (store, Ledger { effects, collected_at: i64::MAX })
}

async fn found(store: &Memory, ledger: &Ledger) -> Vec<(Promise, String)> {
    let verdict = verify(store, ledger).await.expect("the store can be read");
    verdict.violations.into_iter().map(|violation| (violation.promise, violation.what.into())).collect()
}

#[tokio::test]
async fn what_is_right_has_no_violation_and_is_counted() {
    let (store, ledger) = store().await;
    let verdict = verify(&*store, &ledger).await.unwrap();
    assert_eq!(verdict.to_string(), "2 instances, 19 rows, 7 effects: no violation");
    assert_eq!(verdict.open, 0);
    let verdict = verify(&*store, &Ledger::default()).await.unwrap();
    assert_eq!(verdict.to_string(), "2 instances, 19 rows: no violation");
    assert_eq!(verify(&Memory::default(), &ledger).await.unwrap().violations.len(), 2, "there are no such instances");
}

#[tokio::test]
async fn what_participants_accepted_is_held_against_the_journal() {
    let (store, whole) = store().await;
    let nth = |id: &str, undo: bool, index: usize| {
        let is = |effect: &&Effect| &*effect.id == id && effect.undoes.is_some() == undo;
        whole.effects.iter().filter(is).nth(index).cloned().expect("there are so many")
    };
    let without = |gone: &Effect| whole.effects.iter().filter(|effect| *effect != gone).cloned().collect::<Vec<_>>();
    let with = |effects: Vec<Effect>| Ledger { effects, ..whole.clone() };
    // An undo that never arrived.
    let says = found(&store, &with(without(&nth("undone", true, 0)))).await;
    assert_eq!(says, [(Promise::AllOrNone, "`hold` did not happen by the journal, and a participant has it".into())]);
    // A step that no participant has.
    let says = found(&store, &with(without(&nth("filled", false, 1)))).await;
    assert_eq!(says, [(Promise::AllOrNone, "`hold` is done by the journal, and no participant has it".into())]);
    // Twice under one key, and once under a key of which no row tells.
    let mut twice = whole.effects.clone();
    twice.push(nth("filled", false, 2));
    twice.push(Effect { key: "another".into(), ..nth("filled", false, 2) });
    let says = found(&store, &with(twice)).await;
    assert_eq!(
        says,
        [
            (Promise::AllOrNone, "`pay` was accepted twice under one key".into()),
            (Promise::RecordFirst, "`pay` was accepted, and no row announces it".into()),
        ]
    );
    // In the order of completion.
    let mut turned = whole.effects.clone();
    let undos: Vec<usize> = (0..turned.len()).filter(|index| turned[*index].undoes.is_some()).collect();
    turned.swap(undos[0], undos[1]);
    let says = found(&store, &with(turned)).await;
    assert_eq!(says, [(Promise::Reverse, "`hold` was undone before `hold`, which was done after it".into())]);
    // What was collected before it ended says nothing of the end.
    let early = Ledger { collected_at: 0, effects: whole.effects[..1].to_vec() };
    assert_eq!(found(&store, &early).await, []);
}

/// A store with one instance of these rows.
async fn with_rows(rows: &[&str], status: Status) -> Arc<Memory> {
    let store = Arc::new(Memory::default());
    let epoch = store.register().await.unwrap();
    let row = |(index, text): (usize, &&str)| Row { seq: index as u64 + 1, at: 0, event: (*text).into() };
    let rows: Vec<Row> = rows.iter().enumerate().map(row).collect();
    let start = saga_runtime::store::Start {
        saga: "order".into(),
        id: "1".into(),
        birth: "born".into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: saga_runtime::store::Labels::new(),
        rows: rows[..1].to_vec(),
    };
    store.commit(epoch, &[Write::Start(start)]).await.unwrap();
    let touch = Touch::new(status, 1_000);
    let append = Append { touch: Some(touch), ..Append::new(InstanceNo(1), rows[1..].to_vec()) };
    store.commit(epoch, &[Write::Append(append)]).await.unwrap();
    assert_eq!(store.list(&Filter::default(), None, 9).await.unwrap().len(), 1);
    store
}

#[tokio::test]
async fn a_journal_that_breaks_a_promise_is_found_by_rules_of_its_own() {
    let started = r#"{"started":{"version":1,"parameter":"n","input":1}}"#;
    let hold = r#"{"called":{"state":"hold","fingerprint":"f","calls":{"step":[{"step":"hold","compensation":"release"},{}]}}}"#;
    let pay = r#"{"called":{"state":"pay","fingerprint":"f","calls":{"step":[{"step":"pay","class":"pivot"},{}]}}}"#;
    let done = r#"{"answered":{"done":null}}"#;
    let unwinding = r#"{"unwinding":{"cause":"deadline","doubt":[]}}"#;
    let undone = |row: u64| format!(r#"{{"undone":{{"call":{{"row":{row}}},"how":"done"}}}}"#);
    let (first, second) = (undone(2), undone(4));
    let compensated = r#"{"compensated":{}}"#;
    for (rows, promise, says) in [
        (
            vec![started, hold, done, hold, done, unwinding, &first, &second, compensated],
            Promise::Reverse,
            "`hold` is undone before `hold`",
        ),
        (vec![started, hold, done, unwinding, &first, &first, compensated], Promise::Reverse, "`hold` is undone twice"),
        (
            vec![started, hold, done, unwinding, compensated],
            Promise::AllOrNone,
            "`hold`, done in row 3, was never undone",
        ),
        (
            vec![started, hold, done, pay, done, unwinding, &first, compensated],
            Promise::OnePivot,
            "it unwinds after the pivot",
        ),
        (vec![started, unwinding, &first, compensated], Promise::Reverse, "what was never called is undone"),
        (vec![started, hold, unwinding, compensated, done], Promise::Chain, "it goes on after its end"),
        (
            vec![started, hold, r#"{"unwinding":{"cause":"deadline","doubt":[""]}}"#, compensated],
            Promise::AllOrNone,
            "`hold`, which may have happened, was never undone",
        ),
    ] {
        let store = with_rows(&rows, Status::Compensated).await;
        let found = found(&store, &Ledger::default()).await;
        let told = found.iter().any(|(which, what)| *which == promise && what.contains(says));
        assert!(told, "{says}: {found:?}");
    }
    // The journal has not ended, and the store says it has.
    let store = with_rows(&[started, hold], Status::Completed).await;
    assert_eq!(found(&store, &Ledger::default()).await[0].0, Promise::Chain);
}
