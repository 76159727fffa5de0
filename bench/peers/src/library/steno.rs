//! `steno`: a graph of actions and undos, with its own store in memory: nothing is durable.

use crate::{
    process::Job,
    shared::{
        flight::Flown,
        payload::{Answer, Order},
    },
};
use std::sync::Arc;
use steno::{
    Action, ActionContext, ActionError, ActionFunc, ActionRegistry, DagBuilder, InMemorySecStore, Node, SagaDag,
    SagaId, SagaName, SagaType, SecClient,
};

#[derive(Debug)]
struct Work;

impl SagaType for Work {
    type ExecContextType = ();
}

type Step = Arc<dyn Action<Work>>;

pub(super) async fn run(job: &Job, ready: impl AsyncFnOnce() -> Result<(), String>) -> Result<Flown, String> {
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let sec = Arc::new(steno::sec(log, Arc::new(InMemorySecStore::new())));
    let steps: Arc<[(&'static str, Step); 4]> = Arc::new([
        ("stock", ActionFunc::new_action("reserve", reserve, undo)),
        ("charge", ActionFunc::new_action("charge", charge, undo)),
        ("pack", ActionFunc::new_action("pack", pack, undo)),
        ("parcel", ActionFunc::new_action("send", send, undo)),
    ]);
    let mut registry = ActionRegistry::new();
    for (_, step) in steps.iter() {
        registry.register(Arc::clone(step));
    }
    let registry = Arc::new(registry);
    ready().await?;
    let refused = job.refused;
    let flown = job.flight(None).fly(move |number| {
        let (sec, steps, registry) = (Arc::clone(&sec), Arc::clone(&steps), Arc::clone(&registry));
        async move { once(&sec, &*steps, registry, Order { number, refused }).await }
    });
    flown.await
}

async fn once(
    sec: &SecClient,
    steps: &[(&'static str, Step)],
    registry: Arc<ActionRegistry<Work>>,
    order: Order,
) -> Result<(), String> {
    let mut dag = DagBuilder::new(SagaName::new("work"));
    for (output, step) in steps {
        dag.append(Node::action(*output, *output, &**step));
    }
    let dag = dag.build().map_err(|error| error.to_string())?;
    let input = serde_json::to_value(order).map_err(|error| error.to_string())?;
    let id = SagaId::new_v4();
    let saga = sec.saga_create(id, Arc::new(()), Arc::new(SagaDag::new(dag, input)), registry).await;
    let saga = saga.map_err(|error| error.to_string())?;
    sec.saga_start(id).await.map_err(|error| error.to_string())?;
    match saga.await.kind {
        Ok(_) if !order.refused => Ok(()),
        Err(refused) if order.refused && refused.undo_failure.is_none() => Ok(()),
        _ => Err(format!("order {} did not end as it should", order.number)),
    }
}

fn answer(cx: &ActionContext<Work>, participant: &str) -> Result<Answer, ActionError> {
    Ok(Answer::new(participant, cx.saga_params::<Order>()?.number))
}

async fn reserve(cx: ActionContext<Work>) -> Result<Answer, ActionError> {
    answer(&cx, "inventory")
}

async fn charge(cx: ActionContext<Work>) -> Result<Answer, ActionError> {
    answer(&cx, "payments")
}

async fn pack(cx: ActionContext<Work>) -> Result<Answer, ActionError> {
    answer(&cx, "warehouse")
}

async fn send(cx: ActionContext<Work>) -> Result<Answer, ActionError> {
    if cx.saga_params::<Order>()?.refused {
        return Err(ActionError::action_failed("no courier".to_owned()));
    }
    answer(&cx, "shipping")
}

async fn undo(_cx: ActionContext<Work>) -> Result<(), anyhow::Error> {
    Ok(())
}
