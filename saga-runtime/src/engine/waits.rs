//! Waits: for a time, a signal, another saga. One recorded winner (docs/semantics.md, rule 25).

use super::{
    SECOND,
    journal::Over,
    strand::Strand,
    worker::{Halt, Worker},
};
use crate::{
    core::{
        Calls, Doing, Entry, Event, Phase, child, is_within,
        key::{Purpose, key},
    },
    machine::{Answer, Json, NotSent, RawValue},
    store::{Message, Micros, Received, Sent, Status},
};
use std::collections::BTreeSet;

/// What a strand waits for.
struct Wait {
    path: Box<str>,
    /// The row of its call.
    row: u64,
    names: Vec<Box<str>>,
    until: Option<Micros>,
    /// The saga and the id of the instance whose end it is, if it is one.
    child: Option<(Box<str>, Box<str>)>,
}

impl Worker {
    /// Every wait of the instance.
    fn all_waits(&self) -> Vec<Wait> {
        let mut waits = Vec::new();
        let inner = self.journal.inner();
        // Whoever waits in a branch of a join that has failed, or beneath something that is parked, waits no longer: what comes is for
        // later waits.
        let mut over: Vec<Box<str>> = Vec::new();
        inner.state.root.visit("", &mut |path, strand| {
            if let Phase::Parked { .. } = strand.phase {
                over.push(path.into());
            } else if let Phase::Calling(calling) = &strand.phase
                && let Doing::Join(join) = &calling.doing
                && join.failed.is_some()
            {
                over.extend(join.running.keys().map(|index| calling.call.path(path, Some(*index))));
            }
        });
        inner.state.root.visit("", &mut |path, strand| {
            let Phase::Calling(calling) = &strand.phase else { return };
            if over.iter().any(|around| is_within(path, around)) {
                return;
            }
            let (path, row): (Box<str>, u64) = (path.into(), calling.call.row);
            match &calling.doing {
                Doing::Wait(wait) => {
                    waits.push(Wait {
                        path,
                        row,
                        names: wait.signals.iter().map(|name| (&**name).into()).collect(),
                        until: wait.until,
                        child: None,
                    });
                }
                Doing::Child(at) => {
                    let (names, child) = (vec![child::end_of(&at.id)], Some((at.saga.clone(), at.id.clone())));
                    waits.push(Wait { path, row, names, until: None, child });
                }
                _ => {}
            }
        });
        waits
    }

    /// The names of the messages that the instance waits for.
    pub(super) fn awaited(&self) -> Vec<Box<str>> {
        let mut names: BTreeSet<Box<str>> = self.all_waits().into_iter().flat_map(|wait| wait.names).collect();
        let inner = self.journal.inner();
        inner.state.root.visit("", &mut |_, strand| {
            if !strand.phase.is_undoing() {
                return;
            }
            let mut current = Vec::new();
            strand.log.current(&mut current);
            // Of what is parked nobody takes the message.
            names.extend(current.into_iter().filter_map(|(log, entry)| match entry {
                Entry::Child(undo) if log.parked.is_none() => Some(child::end_of(&undo.child.id)),
                _ => None,
            }));
        });
        names.into_iter().collect()
    }

    /// Answers every wait whose time or message has come; whether there was one.
    ///
    /// A message that was stored before the time wins, however late it is looked at.
    pub(super) async fn answer_waits(&self) -> Result<bool, Over> {
        let mut waits = self.all_waits();
        let Some(no) = self.journal.no().filter(|_| !waits.is_empty()) else { return Ok(false) };
        // The clock before the messages: what is stored after this look has a later moment.
        let now = self.engine.clock.now();
        let mut messages = Vec::new();
        if waits.iter().any(|wait| !wait.names.is_empty()) {
            let mut asking = self.engine.outage.asking();
            messages = match self.engine.store.messages(no).await {
                Ok(messages) => {
                    asking.answered();
                    messages
                }
                Err(error) => {
                    asking.failed("messages cannot be read now", &error);
                    // Looked at again with the next move.
                    self.engine.clock.sleep_until(now.saturating_add(SECOND / 2)).await;
                    self.pulse.look_again();
                    return Ok(false);
                }
            };
        }
        let Some(owing) = self.owing(&waits, &messages).await else { return Ok(false) };
        // A clock that was set back while no worker was there says of what is here that it comes later. What has come before the time is
        // over came in time.
        let read = self.engine.clock.now();
        // Meanwhile others have gone on: who waits no longer is not answered. From here on nobody does.
        let still = self.all_waits();
        waits.retain(|wait| still.iter().any(|still| (still.row, &still.path) == (wait.row, &wait.path)));
        let mut answered = false;
        for wait in waits {
            let before = |message: &Received| wait.until.is_none_or(|until| message.at < until || read < until);
            let first = messages.iter().position(|message| wait.names.contains(&message.name) && before(message));
            let message = first.map(|index| messages.remove(index));
            let answer = match (&message, wait.until) {
                (Some(message), _) => wait.answer(message)?,
                (None, Some(until)) if until <= now => Answer::Elapsed,
                _ => continue,
            };
            let event = if owing.contains(&wait.row) {
                // What it left behind is owed here as well: that is found where it is to be undone.
                Event::Doubted { then: answer.clone(), doubt: Vec::new() }
            } else {
                Event::Answered { answer: answer.clone() }
            };
            let row = self.push(&event.within(&wait.path))?;
            if let Some(message) = message {
                self.journal.receive(message.no, Some(row));
            }
            self.put_answer(wait.path, answer);
            answered = true;
        }
        Ok(answered)
    }
}

impl Worker {
    /// The rows of the waits for another saga that has ended and owes something; nothing, if that cannot be read now.
    async fn owing(&self, waits: &[Wait], messages: &[Received]) -> Option<BTreeSet<u64>> {
        let mut owing = BTreeSet::new();
        if self.journal.inner().state.pivot_passed {
            // Nothing would be undone for it.
            return Some(owing);
        }
        for wait in waits {
            let Some((saga, id)) = &wait.child else { continue };
            if !messages.iter().any(|message| wait.names.contains(&message.name)) {
                continue;
            }
            let mut asking = self.engine.outage.asking();
            match self.engine.store.find(saga, id).await {
                Ok(child) => {
                    asking.answered();
                    if child.is_some_and(|child| child.status == Status::CompensatedWithDebt) {
                        owing.insert(wait.row);
                    }
                }
                Err(error) => {
                    asking.failed("a child cannot be looked at now", &error);
                    // Looked at again with the next move.
                    self.engine.clock.sleep_until(self.engine.clock.now().saturating_add(SECOND / 2)).await;
                    self.pulse.look_again();
                    return None;
                }
            }
        }
        Some(owing)
    }
}

impl Wait {
    fn answer(&self, message: &Received) -> Result<Answer, Over> {
        let unreadable = |error: serde_json::Error| Over::Broken(format!("message `{}`: {error}", message.name).into());
        if self.child.is_some() {
            return serde_json::from_str::<child::ChildEnd>(&message.body).map(Into::into).map_err(unreadable);
        }
        let signal = self.names.iter().position(|name| *name == message.name).unwrap_or_default();
        let value: Json = RawValue::from_string(message.body.clone().into()).map_err(unreadable)?;
        Ok(Answer::Received { signal, value })
    }
}

impl Strand<'_> {
    /// Sends a signal to an instance of another saga, once.
    pub(super) async fn send(&mut self) -> Result<Answer, Halt> {
        let worker = self.worker;
        let call = self.calling()?.call;
        let Some(no) = worker.journal.no() else { return Err(Halt::Turn) };
        let event = worker.row(no, call.row).await.map_err(|error| Over::Broken(error.to_string().into()))?;
        let Event::Called(called) = event.unwrapped().1 else { return Err(Halt::Turn) };
        let Calls::Send { saga, id, signal, value } = &called.calls else { return Err(Halt::Turn) };
        let once = key(&worker.journal.identity.birth, &self.path, &call.state, call.ordinal, Purpose::Step);
        let message = Message { name: signal.clone(), id: (&*once).into(), body: value.get().into() };
        let mut asking = worker.engine.outage.asking();
        loop {
            self.boundary().await?;
            let sent = worker.engine.send(saga, id, &message).await;
            if sent.is_ok() {
                asking.answered();
            }
            match sent {
                Ok(Sent::Stored(_) | Sent::Duplicate(_)) => return Ok(self.sent(Answer::Done(crate::machine::null()))?),
                Ok(Sent::Conflict(_)) => return Ok(self.sent(Answer::NotSent(NotSent::Conflict))?),
                Ok(Sent::Ended(_)) => return Ok(self.sent(Answer::NotSent(NotSent::Ended))?),
                Ok(Sent::Unknown) => return Ok(self.sent(Answer::NotSent(NotSent::Unknown))?),
                Err(error) => {
                    asking.failed("a signal cannot be sent now", &error);
                    worker.until(worker.engine.clock.now().saturating_add(SECOND)).await;
                }
            }
        }
    }

    fn sent(&self, answer: Answer) -> Result<Answer, Over> {
        self.push(Event::Answered { answer: answer.clone() })?;
        Ok(answer)
    }
}
