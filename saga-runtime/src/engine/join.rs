//! A join: its branches, so many at a time, and what becomes of them when one fails.

use super::{
    journal::Over,
    load::Payloads,
    pulse::Waits,
    strand::{Stop, Strand, answer_of},
    worker::Halt,
};
use crate::{
    core::{Callee, Doing, Event, Join, Phase},
    machine::Answer,
};
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use std::{future::Future, pin::Pin, sync::Arc};

/// A branch that runs.
type Running<'w> = Pin<Box<dyn Future<Output = (u32, Result<Answer, Halt>)> + Send + 'w>>;

impl<'w> Strand<'w> {
    /// Runs the join that the strand stands at until every branch has ended.
    pub(super) async fn join(&mut self) -> Result<Answer, Halt> {
        let worker = self.worker;
        let stop = Stop::within(self.stop.clone());
        let mut running: FuturesUnordered<Running<'w>> = FuturesUnordered::new();
        let mut answers = std::mem::take(&mut self.payloads.answers);
        for index in self.joining(|join| join.running.keys().copied().collect::<Vec<_>>()).unwrap_or_default() {
            running.push(self.branch(index, &stop)?);
        }
        if self.joining(|join| join.failed.is_some()).unwrap_or(false) {
            stop.set();
        }
        let mut ended = Vec::new();
        loop {
            if !self.is_stopped() {
                let next = self.next(running.len());
                // Branches go on while something is written: one of them may be writing before it.
                let begun = match along(&mut running, &mut ended, self.begin(next)).await {
                    Ok(begun) => begun,
                    // A join around this one has failed meanwhile: what runs is awaited.
                    Err(Halt::Stop) => Vec::new(),
                    Err(halt) => return Err(halt),
                };
                for index in begun {
                    running.push(self.branch(index, &stop)?);
                }
            }
            if ended.is_empty() {
                // This thread waits for those of its branches.
                let _waiting = worker.pulse.wait(Waits::Threads);
                match running.next().await {
                    Some(one) => ended.push(one),
                    None => break,
                }
            }
            // Whatever has ended by now is recorded in one commit.
            while let Some(Some(more)) = running.next().now_or_never() {
                ended.push(more);
            }
            for (index, answer) in std::mem::take(&mut ended) {
                match answer {
                    Ok(answer) => {
                        answers.insert(index, answer);
                    }
                    Err(Halt::Stop) => {}
                    // Nothing of the others is lost: their rows are there, or their attempts count as lost from the next turn on.
                    Err(halt) => return Err(halt),
                }
            }
            along(&mut running, &mut ended, worker.commit()).await?;
        }
        if self.has_answer() {
            let outputs = answers.into_values().filter_map(|answer| match answer {
                Answer::Done(json) => Some(json),
                _ => None,
            });
            return Ok(Answer::All(outputs.collect()));
        }
        // An outer join has failed, or the first branch in journal order has.
        let failed = self.joining(|join| join.failed).flatten();
        let Some((index, _)) = failed else { return Err(Halt::Stop) };
        let Some(answer) = answers.remove(&index) else {
            return Err(Over::Broken("the answer of a failed branch is missing".into()).into());
        };
        let then = Answer::Branch { index: index as usize, answer: Box::new(answer) };
        worker.pulse.pass().await;
        let doubt = worker.doubts(&self.path);
        self.settled(then, &doubt).await
    }

    /// Looks at the join at hand.
    fn joining<T>(&self, look: impl FnOnce(&Join) -> T) -> Option<T> {
        self.look(|phase| match phase {
            Phase::Calling(calling) => match &calling.doing {
                Doing::Join(join) => Some(look(join)),
                _ => None,
            },
            _ => None,
        })
        .flatten()
    }

    /// The branches that may begin now.
    fn next(&self, running: usize) -> Vec<u32> {
        let next = self.joining(|join| {
            let room = join.limit.unwrap_or(u32::MAX).saturating_sub(u32::try_from(running).unwrap_or(u32::MAX));
            let end = join.begun.saturating_add(room).min(join.count);
            if join.failed.is_some() { Vec::new() } else { (join.begun..end).collect() }
        });
        next.unwrap_or_default()
    }

    /// Lets these branches begin; which of them have begun is durable before they do.
    async fn begin(&self, next: Vec<u32>) -> Result<Vec<u32>, Halt> {
        if next.is_empty() {
            return Ok(next);
        }
        self.boundary().await?;
        if self.joining(|join| join.failed.is_some()).unwrap_or(true) {
            // One of those that run has failed while this waited.
            return Ok(Vec::new());
        }
        self.push(Event::Begun { branches: next.clone() })?;
        let call = self.calling_call()?;
        for index in &next {
            let begin = self.payloads.arguments.get(*index as usize).cloned().unwrap_or_default();
            let path = call.path(&self.path, Some(*index));
            self.worker.own(&path);
            self.worker.put_payloads(path, Payloads::start(begin));
        }
        self.worker.commit().await?;
        Ok(next)
    }

    fn calling_call(&self) -> Result<crate::core::CallAt, Halt> {
        self.look(|phase| phase.call().cloned()).flatten().ok_or(Halt::Turn)
    }

    /// A branch that has begun.
    fn branch(&self, index: u32, stop: &Arc<Stop>) -> Result<Running<'w>, Halt> {
        let worker = self.worker;
        let call = self.calling_call()?;
        let path = call.path(&self.path, Some(index));
        let leaf = self.joining(|join| matches!(join.callee(index), Some(Callee::Step(_)))).unwrap_or(true);
        let flow = if leaf { Some(self.flow) } else { worker.inner_flow(self.flow, &call.state, Some(index)) };
        let Some(flow) = flow else {
            return Err(Over::Broken(format!("state `{}` has no such branch", call.state).into()).into());
        };
        let mut strand = Strand::new(worker, &path, flow, Some(Arc::clone(stop)));
        let (thread, stop) = (worker.pulse.thread(), Arc::clone(stop));
        Ok(Box::pin(async move {
            let _thread = thread;
            let answer = if leaf { strand.leaf().await } else { strand.branch_flow().await };
            if let Ok(answer) = &answer
                && !matches!(answer, Answer::Done(_))
            {
                // At once: whoever is polled next begins nothing more.
                stop.set();
                worker.pulse.stir();
            }
            (index, answer)
        }))
    }

    /// Runs a branch that is one call of a step.
    async fn leaf(&mut self) -> Result<Answer, Halt> {
        match self.look(|phase| (matches!(phase, Phase::Parked { .. }), matches!(phase, Phase::Doubted { .. }))) {
            Some((true, _)) => Err(self.parked().await),
            Some((_, true)) => {
                let answer = self.payloads.answer.take();
                self.worker.undo_strand(&self.path).await?;
                answer.ok_or(Halt::Turn)
            }
            Some(_) => self.attempts().await,
            None => Err(Halt::Turn),
        }
    }

    /// Runs a branch that is an inner flow.
    async fn branch_flow(&mut self) -> Result<Answer, Halt> {
        let end = self.run().await?;
        self.boundary().await?;
        let answer = answer_of(end);
        self.push(Event::Returned { answer: answer.clone() })?;
        Ok(answer)
    }
}

/// Polls the branches while something else is done; what ends meanwhile is kept.
async fn along<T>(
    running: &mut FuturesUnordered<Running<'_>>,
    ended: &mut Vec<(u32, Result<Answer, Halt>)>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(one) = running.next(), if !running.is_empty() => ended.push(one),
        }
    }
}
