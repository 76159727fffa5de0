//! The verifier: stores that are right have no violation, and each damage is found.

mod journals;
mod live;

use saga_runtime::{
    prelude::*,
    store::memory::Memory,
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
    // An undo twice.
    let mut twice = whole.effects.clone();
    twice.push(nth("undone", true, 1));
    let says = found(&store, &with(twice)).await;
    assert_eq!(says, [(Promise::AllOrNone, "the undo of `hold` was accepted twice".into())]);
    // An undo of what never was.
    let says = found(&store, &with(without(&nth("undone", false, 0)))).await;
    assert_eq!(says, [(Promise::AllOrNone, "the undo of `hold` took back what had not been accepted".into())]);
    // The request that an undo was to be the end of, after that.
    let mut late = whole.effects.clone();
    let first = late.iter().position(|effect| *effect == nth("undone", false, 0)).expect("it is there");
    let request = late.remove(first);
    let undo = late.iter_mut().find(|effect| effect.undoes.as_deref() == Some(&*request.key)).expect("it is undone");
    undo.changed = false;
    late.push(request);
    let says = found(&store, &with(late)).await;
    assert_eq!(says, [(Promise::AllOrNone, "`hold` was accepted after its undo".into())]);
    // A participant that knows keys only: the same, and what is under a key of nobody belongs to nobody.
    let unnamed = |effect: &Effect| Effect { saga: "".into(), id: "".into(), ..effect.clone() };
    let mut unknown: Vec<Effect> = whole.effects.iter().map(unnamed).collect();
    assert_eq!(found(&store, &with(unknown.clone())).await, []);
    let undo = unknown.iter().position(|effect| effect.undoes.is_some()).expect("there is one");
    unknown[undo].key = "another".into();
    let says = found(&store, &with(unknown)).await;
    assert_eq!(
        says,
        [
            (Promise::RecordFirst, "`hold` was accepted under the key another, which no row announces".into()),
            (Promise::AllOrNone, "`hold` did not happen by the journal, and a participant has it".into()),
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

/// Refuses its first pivot; whether what it asks for has happened all the same.
struct TwoCards(World, bool);

#[saga(name = "cards", version = 1)]
impl TwoCards {
    #[flow]
    async fn run(&self, cx: &FlowContext, _n: u32) -> Result<(), Unwind<No>> {
        match self.first(cx).await {
            Ok(()) => {}
            Err(_) => self.second(cx).await?,
        }
        Ok(())
    }

    #[step(pivot)]
    async fn first(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        if self.1 {
            self.0.accept(cx, "first");
        }
        Err(No::SoldOut.into())
    }

    #[step(pivot)]
    async fn second(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        self.0.accept(cx, "second");
        Ok(())
    }
}

#[tokio::test]
async fn a_participant_that_accepts_the_pivot_that_it_refuses_is_found() {
    for both in [false, true] {
        let (store, world) = (Arc::new(Memory::default()), World::default());
        let saga = TwoCards(world.clone(), both);
        let runtime = Runtime::builder().shared_store(store.clone()).register(saga).start().await.unwrap();
        runtime.start::<TwoCards>("1", 1).await.unwrap().result().await.unwrap();
        let effects = world.0.lock().expect("nobody panics with it").clone();
        let says = found(&store, &Ledger { effects, collected_at: i64::MAX }).await;
        let expected = [
            (Promise::OnePivot, "`second` was accepted, a second pivot after `first`".to_owned()),
            (Promise::AllOrNone, "`first` did not happen by the journal, and a participant has it".to_owned()),
        ];
        assert_eq!(says, if both { &expected[..] } else { &[] });
    }
}
