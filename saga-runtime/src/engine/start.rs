//! Starting an instance: its input is durable when the starter is answered, and so is its first intent if a permit is free.

use super::{
    Engine,
    hub::Poke,
    journal::{Identity, Journal, Over},
    load::Payloads,
    worker::{Worker, run_fresh},
};
use crate::{
    context::Ids,
    core::{Event, decide::micros},
    machine::{Arguments, Json},
    store::{Instance, InstanceNo, Write, Written},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::oneshot;

/// What an instance is started with.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) id: Box<str>,
    pub(crate) json: Json,
    /// The hash of its canonical JSON.
    pub(crate) hash: [u8; 32],
}

/// An instance that is durable.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) no: InstanceNo,
    /// The one that had the identity before, if there was one.
    pub(crate) existing: Option<Box<Instance>>,
}

impl Started {
    fn before(existing: Box<Instance>) -> Self {
        Self { no: existing.no, existing: Some(existing) }
    }
}

impl Engine {
    /// Starts an instance of a registered saga, or finds the one of that identity.
    pub(crate) async fn start(self: &Arc<Self>, saga: &str, input: Input) -> Result<Started, Over> {
        if self.is_stopping() {
            return Err(Over::Stopped);
        }
        let Some(saga) = self.sagas.get(saga) else { return Err(Over::WaitsForBuild) };
        let definition = saga.definition();
        let identity = Identity {
            ids: Arc::new(Ids { saga: definition.name.into(), instance: input.id }),
            birth: uuid::Uuid::now_v7().simple().to_string().into(),
            version: definition.version,
            input_hash: input.hash,
        };
        let journal = Journal::fresh(self, identity);
        let parameter: Box<str> = definition.main().slots.first().copied().unwrap_or_default().into();
        let begin = Payloads::start(Arguments(vec![(parameter.clone(), input.json.clone())]));
        let payloads = BTreeMap::from([(Box::from(""), begin)]);
        let worker = Worker::new(self, saga, journal, payloads, Arc::new(Poke::default()));
        let deadline = definition.deadline.map(|span| self.clock.now().saturating_add(micros(span)));
        let version = definition.version;
        worker.push(&Event::Started { version, parameter, input: input.json, deadline, parent: None })?;
        if let Ok(permit) = Arc::clone(&self.forward).try_acquire_owned() {
            let (reply, answered) = oneshot::channel();
            worker.has_leave(permit);
            worker.leave().reply = Some(reply);
            self.spawn(run_fresh(worker));
            return match answered.await {
                Ok(Ok(started)) => Ok(started),
                Ok(Err(Over::Exists(instance))) => Ok(Started::before(instance)),
                Ok(Err(over)) => Err(over),
                // The task was aborted with the runtime.
                Err(_) => Err(Over::Stopped),
            };
        }
        let start = worker.journal.into_waiting_start();
        match self.committer.write(Write::Start(start)).await.map_err(Over::from)? {
            Written::Started(no) => {
                self.waits();
                Ok(Started { no, existing: None })
            }
            Written::Exists(instance) => Ok(Started::before(instance)),
            Written::Appended => Err(Over::Broken("the store answered a start as if it were an append".into())),
        }
    }
}
