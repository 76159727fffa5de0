//! Participants whose every attempt can go wrong in each way that the saga has to stand.

use super::{choices::Way, history::Shared};
use crate::{
    context::{FlowContext, StepContext},
    definition::{Definition, Step},
    engine::erased::AnySaga,
    failure::Transient,
    machine::{Arguments, Attempt, Attempted, Drive, Ended, Executing, Json, JsonError, RawValue, Tried},
};
use std::{panic::resume_unwind, sync::Arc};

/// An attempt that reached a participant, or did not.
#[derive(Debug, Clone)]
pub(super) struct Effort {
    /// The step's name.
    pub(super) step: &'static str,
    /// Whether it is the compensation's.
    pub(super) undo: bool,
    pub(super) key: Box<str>,
    /// Of a compensation: the key of the call that it undoes.
    pub(super) undoes: Option<Box<str>>,
    /// Whether it was called.
    pub(super) reached: bool,
    /// Whether it went wrong because it was told to.
    pub(super) told: bool,
    /// The refusal that it was told to be answered with.
    pub(super) refusal: Option<Json>,
    /// What it came to, in one word.
    pub(super) ended: &'static str,
}

/// The saga, with its participants between it and the faults.
pub(super) struct Explored {
    pub(super) saga: Arc<dyn AnySaga>,
    pub(super) shared: Arc<Shared>,
}

/// What becomes of an attempt.
#[derive(Debug, Clone)]
enum Fate {
    /// What the participant says.
    Own,
    /// It is refused, and does nothing.
    Refused(Json),
    /// The participant is not reached.
    Away,
    /// The participant does it, and nobody hears of it.
    Lost,
    /// The participant does it, and then the code around the call panics.
    Panics,
}

impl Explored {
    fn step_of(&self, index: usize) -> &'static Step {
        &self.saga.definition().steps[index]
    }

    /// The ways in which an attempt can go, the participant's own first.
    fn fates(&self, step: &'static Step, undo: bool, key: &str) -> Vec<(Way, Fate)> {
        let (before, reached) = {
            let efforts = self.shared.efforts();
            let mut same = efforts.iter().filter(|effort| &*effort.key == key);
            (same.clone().find_map(|effort| effort.refusal.clone()), same.any(|effort| effort.reached))
        };
        // A participant that keeps its promises has one answer to one key.
        if let Some(refusal) = before {
            return vec![(Way::new("is refused as before"), Fate::Refused(refusal))];
        }
        let mut fates = vec![(Way::new("goes well"), Fate::Own)];
        if !undo && !reached {
            for refusal in self.shared.limits.refusals.iter().filter(|refusal| refusal.step == step.name) {
                fates.push((Way::new(format!("is refused: {}", refusal.json)), Fate::Refused(refusal.json.clone())));
            }
        }
        fates.push((Way::fault("the participant is not reached"), Fate::Away));
        fates.push((Way::fault("takes effect, and the answer is lost"), Fate::Lost));
        fates.push((Way::fault("takes effect, and then panics"), Fate::Panics));
        fates
    }

    /// Makes an attempt as it was chosen.
    async fn attempt(&self, step: &'static Step, cx: Told, own: Attempt<'_>) -> Tried {
        if self.shared.is_dead() {
            // Nothing is done by a worker that was killed.
            std::future::pending::<()>().await;
        }
        let Told { key, undoes, state, attempt } = cx;
        let undo = undoes.is_some();
        let (ways, fates): (Vec<_>, Vec<_>) = self.fates(step, undo, &key).into_iter().unzip();
        let what = if undo { "the undo of " } else { "" };
        let which = self.shared.which(step.name, undo, &key);
        let which = if which > 1 { format!(" (#{which})") } else { String::new() };
        let told = ways.iter().map(|way: &Way| way.fault).collect::<Vec<_>>();
        let chosen = self.shared.choose(&format!("{what}`{state}`{which}, attempt {attempt}"), ways);
        let fate = fates[chosen].clone();
        let refusal = if let Fate::Refused(json) = &fate { Some(json.clone()) } else { None };
        let told = told[chosen];
        let mut effort =
            Effort { step: step.name, undo, key, undoes, reached: true, told, refusal, ended: "is under way" };
        let refused = match &fate {
            Fate::Refused(json) => Some(Attempted::Refused(json.clone())),
            Fate::Away => Some(Attempted::Transient(Transient::no_effect("explored: the participant is not reached"))),
            Fate::Own | Fate::Lost | Fate::Panics => None,
        };
        if let Some(attempted) = refused {
            effort.reached = false;
            effort.ended = word(&attempted);
            self.shared.made(effort);
            return Ok(attempted);
        }
        let index = self.shared.made(effort);
        if self.shared.is_dead() {
            std::future::pending::<()>().await;
        }
        let tried = own.await;
        let ended = tried.as_ref().map_or("could not be read", word);
        self.shared.ended(index, ended);
        match fate {
            Fate::Lost if ended == "done" => Ok(Attempted::Transient(Transient::new("explored: the answer is lost"))),
            // Without the panic hook, which would print it.
            Fate::Panics if ended == "done" => resume_unwind(Box::new("explored: a panic after the effect")),
            _ => tried,
        }
    }
}

/// What an attempt is told of itself.
struct Told {
    key: Box<str>,
    undoes: Option<Box<str>>,
    state: Box<str>,
    attempt: u32,
}

impl Told {
    fn of(cx: &StepContext) -> Self {
        Self {
            key: cx.key().into(),
            undoes: cx.undoes().map(Into::into),
            state: cx.state().into(),
            attempt: cx.attempt(),
        }
    }
}

fn word(attempted: &Attempted) -> &'static str {
    match attempted {
        Attempted::Done(_) => "done",
        Attempted::Refused(_) => "refused",
        Attempted::Transient(_) => "failed",
        Attempted::Unrecordable(_) => "cannot be recorded",
    }
}

impl AnySaga for Explored {
    fn definition(&self) -> &'static Definition {
        self.saga.definition()
    }

    fn flow<'a>(&'a self, flow: usize, cx: FlowContext, drive: Drive<'a>) -> Executing<'a, Ended> {
        self.saga.flow(flow, cx, drive)
    }

    fn step<'a>(&'a self, step: usize, cx: StepContext, arguments: &'a Arguments) -> Attempt<'a> {
        let told = Told::of(&cx);
        Box::pin(self.attempt(self.step_of(step), told, self.saga.step(step, cx, arguments)))
    }

    fn compensate<'a>(
        &'a self,
        step: usize,
        cx: StepContext,
        arguments: &'a Arguments,
        output: Option<&'a RawValue>,
    ) -> Attempt<'a> {
        let told = Told::of(&cx);
        Box::pin(self.attempt(self.step_of(step), told, self.saga.compensate(step, cx, arguments, output)))
    }

    fn check_output(&self, step: usize, output: &RawValue) -> Result<(), JsonError> {
        self.saga.check_output(step, output)
    }
}
