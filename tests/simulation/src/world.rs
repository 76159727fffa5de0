//! The way from a worker to the participants: what is sent may come late, twice or not at all, whatever becomes of whoever sent it.

use crate::{
    faults::Fault,
    link::Link,
    participants::{Answer, Request},
    plan::Ask,
    run::APART,
    sim::{Sim, lock},
    tour::No,
};
use saga_runtime::{
    Failure, StepContext, Transient,
    store::{Micros, Store as _},
    verify::{self, Standing},
};
use std::{future::pending, panic::resume_unwind, sync::Arc, time::Duration};
use tokio::{sync::oneshot, time::sleep};

/// What a step says that wants somebody to look first; what follows are its name and its key.
pub const ALLOW: &str = "somebody has to allow ";
/// What one says that panics; what follows is its value.
pub const PANIC: &str = "a panic after ";

/// How a worker reaches the participants.
#[derive(Debug, Clone)]
pub struct Door {
    /// What everybody shares.
    pub sim: Arc<Sim>,
    /// How the worker is connected, and whether it lives.
    pub link: Arc<Link>,
}

/// What becomes of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Good,
    NotReached,
    Lost,
    AnswerLost,
    Late,
    Twice,
    Fails,
}

impl Door {
    /// Asks for something.
    ///
    /// # Errors
    /// As a step answers.
    pub async fn ask(&self, cx: &StepContext, step: &'static str, ask: &Ask) -> Result<u32, Failure<No>> {
        match self.send(cx, step, ask).await? {
            Answer::Done(value) => Ok(value),
            Answer::No(what) => Err(No(what).into()),
            Answer::Park => {
                self.sim.count(Fault::StepParked);
                Err(Transient::park(format!("{ALLOW}{step} {}", cx.key())).into())
            }
            Answer::Barred => Err(Transient::new("it was undone").into()),
            Answer::Panics(value) => {
                self.sim.count(Fault::StepPanicked);
                // Without the panic hook, which would print it.
                resume_unwind(Box::new(format!("{PANIC}{value}")))
            }
            Answer::Silence => {
                self.sim.count(Fault::StepHung);
                pending().await
            }
        }
    }

    /// Takes something back.
    ///
    /// # Errors
    /// As a compensation answers.
    pub async fn undo(
        &self,
        cx: &StepContext,
        step: &'static str,
        ask: &Ask,
        got: Option<u32>,
    ) -> Result<(), Transient> {
        let should = crate::participants::value(step, ask.what);
        if let Some(wrong) = got.filter(|got| *got != should) {
            self.sim.violated(format!(
                "all or none: {} {}: `{step}` is undone with {wrong} in place of {should}",
                cx.saga(),
                cx.instance()
            ));
        }
        match self.send(cx, step, ask).await? {
            Answer::Park => {
                self.sim.count(Fault::StepParked);
                Err(Transient::park("somebody has to look at it"))
            }
            Answer::Done(_) => Ok(()),
            other => Err(Transient::new(format!("{other:?} is no answer to an undo"))),
        }
    }

    async fn send(&self, cx: &StepContext, step: &'static str, ask: &Ask) -> Result<Answer, Transient> {
        let request = Request {
            saga: cx.saga().into(),
            id: cx.instance().into(),
            step,
            key: cx.key().into(),
            undoes: cx.undoes().map(Into::into),
            what: ask.what,
            fate: ask.fate,
        };
        // What only reads needs no record.
        if step != "look" {
            self.may_begin(&request).await;
        }
        // A process that stands still between its look at the lease and what it sends.
        self.link.passes().await;
        let way = self.way();
        let verb = if request.undoes.is_some() { "undoes" } else { "asks" };
        self.sim.tell(|| {
            let key = &request.key[request.key.len().saturating_sub(6)..];
            format!("{} {verb} {} {} {step} …{key} ({way:?})", self.link.name, request.saga, request.id)
        });
        match way {
            Way::NotReached => {
                self.sim.count(Fault::NotReached);
                sleep(self.sim.up_to(Duration::from_millis(50))).await;
                return Err(Transient::no_effect("not reached"));
            }
            Way::Fails => {
                self.sim.count(Fault::ParticipantFailed);
                sleep(self.sim.up_to(Duration::from_millis(50))).await;
                return Err(Transient::new("it failed"));
            }
            Way::Lost => {
                self.sim.count(Fault::RequestLost);
                return pending().await;
            }
            Way::Good | Way::AnswerLost | Way::Late | Way::Twice => {}
        }
        let answer = self.travels(request, way);
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(_) => pending().await,
        };
        self.link.passes().await;
        Ok(answer)
    }

    /// The request is on its way, whatever becomes of who sent it; what comes back, unless it is lost.
    fn travels(&self, request: Request, way: Way) -> oneshot::Receiver<Answer> {
        let (back, answer) = oneshot::channel();
        let (sim, link) = (Arc::clone(&self.sim), Arc::clone(&self.link));
        tokio::spawn(async move {
            let late = way == Way::Late;
            if late {
                sim.count(Fault::RequestLate);
            }
            let delay = if late { Duration::from_secs(40) } else { Duration::from_millis(30) };
            sleep(sim.up_to(delay)).await;
            let answer = arrives(&sim, &link, &request);
            sleep(sim.up_to(Duration::from_millis(30))).await;
            if way == Way::AnswerLost {
                sim.count(Fault::ParticipantAnswerLost);
                drop(back);
            } else {
                // Whoever asked may have given up.
                let _ = back.send(answer);
            }
            if way == Way::Twice {
                sim.count(Fault::RequestTwice);
                sleep(sim.up_to(Duration::from_mins(1))).await;
                arrives(&sim, &link, &request);
            }
        });
        answer
    }

    fn way(&self) -> Way {
        if !self.sim.goes_wrong(self.sim.weather.network * 10) {
            return Way::Good;
        }
        let ways = [Way::NotReached, Way::Lost, Way::AnswerLost, Way::Late, Way::Late, Way::Twice, Way::Fails];
        ways[self.sim.dice().index(ways.len())]
    }

    /// An attempt begins only of what the journal announces and has no answer to, and by whoever has the instance.
    async fn may_begin(&self, request: &Request) {
        let Request { saga, id, step, .. } = request;
        let what = if request.undoes.is_some() { "the undo of " } else { "" };
        let Ok(Some(instance)) = self.sim.store.find(saga, id).await else {
            self.sim.violated(format!("record first: {saga} {id} is not in the store"));
            return;
        };
        let rows = self.sim.store.journal(instance.no, 1, usize::MAX).await.unwrap_or_default();
        match verify::standing(&instance, &rows, &request.key) {
            Some(Standing::Open) => {}
            Some(Standing::Over) => {
                self.sim.violated(format!(
                    "record first: {saga} {id}: {what}`{step}` begins, and its answer is recorded, or it is no longer wanted"
                ));
            }
            Some(Standing::Early) => {
                self.sim.violated(format!("record first: {saga} {id}: {what}`{step}` begins, and nothing has failed"));
            }
            None => {
                self.sim.violated(format!("record first: {saga} {id}: {what}`{step}` begins, and no row announces it"));
            }
        }
        let begins = rows.first().and_then(|started| begins(&started.event));
        let apart = i64::try_from(APART.as_micros()).unwrap_or(i64::MAX);
        if begins.is_some_and(|begins| self.sim.now() + apart < begins) && !self.sim.has_set_a_clock() {
            self.sim.violated(format!("ends: {saga} {id}: {what}`{step}` begins before the instance is to begin"));
        }
        let owns = instance.owner.is_some() && instance.owner == *lock(&self.link.epoch);
        if !owns {
            let owner = instance.owner;
            self.sim.violated(format!(
                "fence: {saga} {id}: {} begins {what}`{step}`, and it belongs to {owner:?}",
                self.link.name
            ));
        }
    }
}

/// When an instance is to begin that was started in this way.
fn begins(started: &str) -> Option<Micros> {
    // Most begin at once, and are not read.
    let at = started.find(r#""begins":"#).map(|_| serde_json::from_str::<serde_json::Value>(started))?;
    at.ok()?.pointer("/started/begins")?.as_i64()
}

fn arrives(sim: &Sim, link: &Link, request: &Request) -> Answer {
    let (answer, wrong) = lock(&sim.participants).arrives(request);
    if let Some(wrong) = wrong {
        sim.violated(wrong);
    }
    if answer == Answer::Barred {
        sim.count(Fault::Barred);
    }
    let undo = if request.undoes.is_some() { "undo of " } else { "" };
    sim.tell(|| {
        format!("participant: {undo}{} {} {} from {}: {answer:?}", request.saga, request.id, request.step, link.name)
    });
    answer
}
