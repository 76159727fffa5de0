//! Other sagas that a flow starts, waits for, and undoes.

use super::{
    SECOND,
    journal::Over,
    pulse::Waits,
    strand::Strand,
    worker::{Halt, Worker},
};
use crate::{
    core::{
        Calls, ChildAt, Event, How, Parent, ParkCause, Phase, UnwindCause, Verb,
        child::{ChildEnd, end_of},
        key::input_hash,
        log::ChildUndo,
        request::Request,
    },
    definition::ChildKind,
    machine::{Answer, encode},
    store::{Delivery, Labels, Message, Micros, Row, Start, Status},
};

impl Strand<'_> {
    /// Starts the other saga in the commit that says so, and waits for it if that is what the flow does.
    pub(super) async fn child(&mut self, calls: Calls) -> Result<Answer, Halt> {
        let Calls::Child { child, deadline, .. } = calls else { return Err(Halt::Turn) };
        let worker = self.worker;
        let start = self.child_start(&child, deadline)?;
        worker.journal.start_other(start);
        worker.commit().await?;
        self.await_child().await
    }

    /// The other saga has been started.
    pub(super) async fn await_child(&mut self) -> Result<Answer, Halt> {
        if let Some(answer) = self.worker.take_answer(&self.path) {
            // It ended before this heard that it was started.
            return self.told(answer).await;
        }
        let crate::core::Doing::Child(child) = self.calling()?.doing else { return Err(Halt::Turn) };
        if child.kind != ChildKind::Launched {
            let answer = self.wait().await?;
            return self.told(answer).await;
        }
        let id = encode(&*child.id).map_err(|error| Over::Rejected(error.0.into()))?;
        let answer = Answer::Done(id);
        self.push(Event::Answered { answer: answer.clone() })?;
        Ok(answer)
    }

    /// The other saga has ended with this. If it left something behind, the flow is not told.
    async fn told(&mut self, answer: Answer) -> Result<Answer, Halt> {
        match self.look(|phase| matches!(phase, Phase::Doubted { .. })) {
            Some(true) => self.left_nothing(answer).await,
            _ => Ok(answer),
        }
    }

    fn child_start(&self, child: &ChildAt, deadline: Option<Micros>) -> Result<Start, Over> {
        let worker = self.worker;
        let definition = worker.saga.definition().children.iter().map(|child| (child.definition)());
        let Some(definition) = definition.into_iter().find(|definition| *definition.name == *child.saga) else {
            return Err(Over::Broken(format!("there is no saga `{}`", child.saga).into()));
        };
        let input = self.payloads.arguments.first().and_then(|arguments| arguments.0.first());
        let Some((_, input)) = input.cloned() else {
            return Err(Over::Broken(format!("saga `{}` is started without an input", child.saga).into()));
        };
        let at = worker.engine.clock.now();
        let own = definition.deadline.map(|span| at.saturating_add(crate::core::decide::micros(span)));
        let deadline = [own, deadline].into_iter().flatten().min();
        let ids = &worker.journal.identity.ids;
        let awaits = child.kind != ChildKind::Launched;
        let parent = Parent { saga: ids.saga.clone(), id: ids.instance.clone(), awaits };
        let input_hash = input_hash(&input);
        let started = Event::Started {
            version: definition.version,
            parameter: definition.main().parameters.first().copied().unwrap_or_default().into(),
            input,
            deadline,
            begins: None,
            parent: Some(Box::new(parent)),
        };
        let event = started.to_text().map_err(|error| Over::Rejected(error.to_string().into()))?;
        Ok(Start {
            saga: child.saga.clone(),
            id: child.id.clone(),
            birth: worker.engine.birth(&child.saga, &child.id, &worker.journal.life),
            version: definition.version,
            input_hash,
            owned: false,
            at,
            wake_at: None,
            parent: worker.journal.no().filter(|_| awaits),
            labels: Labels::new(),
            rows: vec![Row { seq: 1, at, event }],
        })
    }
}

impl Worker {
    /// What the saga that waits for this one is told of its end.
    pub(super) fn tell_parent(&self, end: &ChildEnd) -> Result<(), Over> {
        let Some(to) = self.journal.parent() else { return Ok(()) };
        let id = match end {
            ChildEnd::Completed(_) => "completed",
            ChildEnd::Compensated(_) => "compensated",
        };
        let body = serde_json::to_string(end).map_err(|error| Over::Rejected(error.to_string().into()))?;
        let name = end_of(&self.journal.identity.ids.instance);
        let message = Message { name, id: id.into(), body: body.into() };
        self.journal.send(Delivery { to, message, at: self.engine.clock.now() });
        Ok(())
    }

    /// Undoes another saga as a whole: it is asked to, and says when it is done.
    pub(super) async fn undo_child(&self, path: &str, undo: &ChildUndo) -> Result<(), Halt> {
        let ChildAt { saga, id, .. } = &undo.child;
        let mut asked = false;
        let mut store = self.engine.outage.asking();
        loop {
            self.pulse.pass().await;
            self.commit().await?;
            let changed = self.pulse.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // Before the child is looked at: what it said after this look stays in the inbox, and wakes this instance again.
            self.take_messages(&end_of(id)).await;
            let found = match self.engine.store.find(saga, id).await {
                Ok(found) => {
                    store.answered();
                    found
                }
                Err(error) => {
                    store.failed("a child cannot be looked at now", &error);
                    self.until(self.engine.clock.now().saturating_add(SECOND)).await;
                    continue;
                }
            };
            let Some(child) = found else {
                let error = format!("instance `{id}` of saga `{saga}`, which is to be undone, is no longer there");
                self.park_undo(path, undo.call, ParkCause::Unreadable, &error)?;
                return Ok(self.commit().await?);
            };
            let how = match child.status {
                Status::Compensated => Some(How::Done),
                // What it owes is owed here as well.
                Status::CompensatedWithDebt => {
                    let by = format!("{saga} {id}").into();
                    Some(How::Skipped { by, why: "it was undone, and something of it is owed".into() })
                }
                _ => None,
            };
            if let Some(how) = how {
                self.push(&Event::Undone { call: undo.call, how }.within(path))?;
                return Ok(());
            }
            if !asked {
                let ids = &self.journal.identity.ids;
                let (by, why) = (format!("{} {}", ids.saga, ids.instance), "the saga that started it is undone");
                let request = Request { verb: Verb::Undo, by: by.into(), why: why.into(), park: None, output: None };
                let body = serde_json::to_string(&request).map_err(|error| Over::Rejected(error.to_string().into()))?;
                match self.engine.store.request(child.no, &body, true).await {
                    Ok(Some(_)) => {
                        asked = true;
                        self.engine.deliver(child.no);
                    }
                    Ok(None) => {
                        let error =
                            format!("instance `{id}` of saga `{saga}` is to be undone, and its journal is gone");
                        self.park_undo(path, undo.call, ParkCause::Unreadable, &error)?;
                        return Ok(self.commit().await?);
                    }
                    Err(error) => {
                        store.failed("a child cannot be asked now", &error);
                        self.until(self.engine.clock.now().saturating_add(SECOND)).await;
                        continue;
                    }
                }
            }
            let _waiting = self.pulse.wait(Waits::Message(None));
            changed.await;
        }
    }

    /// Takes every message of this name: what it says is known otherwise, and it is not to wake the instance again.
    async fn take_messages(&self, name: &str) {
        let Some(no) = self.journal.no() else { return };
        let mut asking = self.engine.outage.asking();
        match self.engine.store.messages(no).await {
            Ok(messages) => {
                asking.answered();
                for message in messages.iter().filter(|message| *message.name == *name) {
                    self.journal.receive(message.no, None);
                }
            }
            Err(error) => asking.failed("messages cannot be read now", &error),
        }
    }

    /// The end of this instance, as the saga that waits for it is told.
    pub(super) async fn compensated_end(&self) -> ChildEnd {
        let row = {
            let inner = self.journal.inner();
            match inner.state.phase() {
                Phase::Unwinding { row } | Phase::Compensated { cause: row } => inner.no.zip(Some(*row)),
                _ => None,
            }
        };
        if let Some((no, row)) = row
            && let Ok(Event::Unwinding { cause, .. }) = self.row(no, row).await
        {
            return ChildEnd::Compensated(cause);
        }
        ChildEnd::Compensated(UnwindCause::Cancelled { reason: "it was undone".into() })
    }
}
