//! Starting an instance: its input is durable when the starter is answered, and so is its first intent if a permit is free.

use super::{
    Engine, SECOND,
    claimed::run_fresh,
    hub::Poke,
    journal::{Identity, Journal, Over},
    life::Life,
    load::Payloads,
    worker::Worker,
};
use crate::{
    context::Ids,
    core::{Event, Name, decide::micros},
    definition::Definition,
    machine::{Arguments, Json},
    store::{Instance, InstanceNo, Labels, Micros, Start, Write, Written, committer::CommitError},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::oneshot;

/// What an instance is started with.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) id: Box<str>,
    pub(crate) json: Json,
    /// The hash of its canonical JSON.
    pub(crate) hash: [u8; 32],
    /// When it begins, if that is not at once.
    pub(crate) wake_at: Option<Micros>,
    /// How much time it has from then on, if that is less than the saga says.
    pub(crate) deadline: Option<Duration>,
    /// What it is called by from the beginning.
    pub(crate) labels: Labels,
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
    /// Starts an instance, or finds the one of that identity. Where its saga is not registered, it waits for a worker that runs it.
    ///
    /// Where this worker's life ends before it is known what became of the start, the next life tells: nothing of the one before
    /// is written any more once that has begun.
    pub(crate) async fn start(
        self: &Arc<Self>,
        definition: &'static Definition,
        input: Input,
    ) -> Result<Started, Over> {
        let identity = Identity {
            ids: Arc::new(Ids { saga: definition.name.into(), instance: input.id.clone() }),
            birth: self.birth(definition.name, &input.id, &self.life()),
            version: definition.version,
            input_hash: input.hash,
        };
        loop {
            if self.is_stopping() {
                return Err(Over::Stopped);
            }
            let life = self.life();
            match self.start_in(&life, definition, &identity, &input).await {
                Err(Over::Cut(CommitError::Fenced | CommitError::Stopped)) if self.lives_again() => {
                    self.outlives(&life).await?;
                    if let Some(started) = self.found(&identity).await? {
                        return Ok(started);
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Starts an instance in this life of the worker.
    async fn start_in(
        self: &Arc<Self>,
        life: &Arc<Life>,
        definition: &'static Definition,
        identity: &Identity,
        input: &Input,
    ) -> Result<Started, Over> {
        let journal = Journal::fresh(self, life, identity.clone());
        let parameter: Name = definition.main().parameters.first().copied().unwrap_or_default().into();
        // Its time counts from when it begins, however long before that it is started.
        let begins = input.wake_at.unwrap_or_else(|| self.clock.now());
        let within = [input.deadline, definition.deadline].into_iter().flatten().min();
        let deadline = within.map(|span| begins.saturating_add(micros(span)));
        let version = definition.version;
        let begin = Payloads::start(Arguments(vec![(parameter.clone(), input.json.clone())]));
        let (json, begins) = (input.json.clone(), input.wake_at);
        journal.push(&Event::Started { version, parameter, input: json, deadline, begins, parent: None })?;
        let at_once = input.wake_at.is_none() && input.labels.is_empty();
        if at_once
            && let Some(saga) = self.sagas.get(definition.name)
            && let Ok(permit) = Arc::clone(&self.forward).try_acquire_owned()
        {
            let payloads = BTreeMap::from([(Box::from(""), begin)]);
            let worker = Worker::new(self, saga, journal, payloads, Arc::new(Poke::default()));
            let (reply, answered) = oneshot::channel();
            worker.has_leave(permit);
            worker.leave().reply = Some(reply);
            self.run(life, run_fresh(Box::new(worker)));
            return match answered.await {
                Ok(Ok(started)) => Ok(started),
                Ok(Err(Over::Exists(instance))) => Ok(Started::before(instance)),
                Ok(Err(over)) => Err(over),
                // The task was aborted with the runtime, or with this worker's life.
                Err(_) if self.is_stopping() => Err(Over::Stopped),
                Err(_) if life.over.load(Ordering::Acquire) => Err(Over::Cut(CommitError::Fenced)),
                Err(_) => {
                    Err(Over::Broken("what ran it has panicked: whether it is started is known by reading".into()))
                }
            };
        }
        let start = Start { wake_at: input.wake_at, labels: input.labels.clone(), ..journal.into_waiting_start() };
        match life.committer.write(Write::Start(start)).await.map_err(Over::from)? {
            Written::Started(no) => {
                match input.wake_at {
                    Some(at) => self.sleeps(at),
                    None => self.waits(),
                }
                Ok(Started { no, existing: None })
            }
            Written::Exists(instance) => Ok(Started::before(instance)),
            Written::Appended => Err(Over::Broken("the store answered a start as if it were an append".into())),
        }
    }

    /// What became of a start in a life that is over; nothing, if it was not written, and never will be.
    async fn found(&self, identity: &Identity) -> Result<Option<Started>, Over> {
        let ids = &identity.ids;
        let mut asking = self.outage.asking();
        loop {
            let found = self.store.find(&ids.saga, &ids.instance).await;
            if found.is_ok() {
                asking.answered();
            }
            match found {
                Ok(None) => return Ok(None),
                Ok(Some(found)) if found.birth == identity.birth => {
                    return Ok(Some(Started { no: found.no, existing: None }));
                }
                Ok(Some(other)) => return Ok(Some(Started::before(Box::new(other)))),
                Err(_) if self.is_stopping() => return Err(Over::Stopped),
                // To say that it failed would be a guess.
                Err(error) => {
                    asking.failed("it cannot be read whether an instance was started", &error);
                    tokio::select! {
                        biased;
                        () = self.clock.sleep_until(self.clock.now().saturating_add(SECOND)) => {}
                        () = self.stops() => {}
                    }
                }
            }
        }
    }
}
