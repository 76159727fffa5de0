//! The writer's loop.

use super::{
    super::{Epoch, Row, Store, StoreError, Write, Written},
    BATCH, BATCH_BYTES, CommitError, FIRST_PAUSE, Health, LONGEST_PAUSE, Message,
    readback::read_back,
};
use std::{collections::VecDeque, mem, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

type Answer = oneshot::Sender<Result<Written, CommitError>>;
type Job = (Write, Answer);

/// Runs until every handle is gone, it is told to end, or another worker has taken over.
pub(super) async fn run(
    store: Arc<dyn Store>,
    epoch: Epoch,
    queue: mpsc::UnboundedReceiver<Message>,
    health: watch::Sender<Health>,
) {
    let last_words = LastWords(health);
    let mut task = Task {
        store: &*store,
        epoch,
        queue,
        health: &last_words.0,
        waiting: VecDeque::new(),
        until: None,
        pause: FIRST_PAUSE,
    };
    task.run().await;
}

/// Says that the writer has ended, also if a panic ended it: the answers that it still owed are dropped with it, and
/// whoever waits for them is told so.
struct LastWords(watch::Sender<Health>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.send_if_modified(|health| {
            let living = *health != Health::Fenced;
            if living {
                *health = Health::Stopped;
            }
            living
        });
    }
}

struct Task<'a> {
    store: &'a dyn Store,
    epoch: Epoch,
    queue: mpsc::UnboundedReceiver<Message>,
    health: &'a watch::Sender<Health>,
    /// What was handed over and is not written yet, in order.
    waiting: VecDeque<Job>,
    /// Until when a store that is away is tried, once the writer is to end.
    until: Option<Instant>,
    /// The next pause, if the store is away.
    pause: Duration,
}

/// What became of an attempt to commit.
enum Tried {
    Done,
    Away(Box<str>),
    Fenced,
}

impl Task<'_> {
    async fn run(&mut self) {
        loop {
            if self.waiting.is_empty() && !self.next().await {
                return;
            }
            self.take_what_is_ready();
            match self.commit().await {
                Tried::Done => self.back(),
                Tried::Away(cause) => {
                    if !self.ride_out(cause).await {
                        return;
                    }
                }
                Tried::Fenced => return self.fence(),
            }
        }
    }

    /// Waits for the next write. `false` if there will be none.
    async fn next(&mut self) -> bool {
        while self.waiting.is_empty() {
            match self.queue.recv().await {
                Some(message) => self.accept(message),
                None => return false,
            }
        }
        true
    }

    fn take_what_is_ready(&mut self) {
        while self.waiting.len() < BATCH {
            match self.queue.try_recv() {
                Ok(message) => self.accept(message),
                Err(_) => return,
            }
        }
    }

    fn accept(&mut self, message: Message) {
        match message {
            Message::Write(write, answer) => self.waiting.push_back((write, answer)),
            Message::Shutdown(until) => {
                // What was handed over before is still received; what comes later is refused.
                self.queue.close();
                self.until = Some(self.until.map_or(until, |earlier| earlier.min(until)));
            }
        }
    }

    /// Writes one batch from the front of what waits. One that cannot be written as it is gets its error and does not keep
    /// the others.
    async fn commit(&mut self) -> Tried {
        let (mut writes, mut answers) = self.batch();
        loop {
            match self.commit_for_certain(&writes).await {
                Ok(written) => {
                    for (answer, written) in answers.into_iter().zip(written) {
                        let gone =
                            || CommitError::Rejected("its identity was taken a moment ago, and is free now".into());
                        // Whoever asked may be gone; what was written stays so.
                        let _ = answer.send(written.ok_or_else(gone));
                    }
                    return Tried::Done;
                }
                Err(StoreError::Write { index, reason }) if index < writes.len() => {
                    writes.remove(index);
                    let _ = answers.remove(index).send(Err(CommitError::Rejected(reason)));
                    if writes.is_empty() {
                        return Tried::Done;
                    }
                }
                Err(StoreError::Fenced) => {
                    self.put_back(writes, answers);
                    return Tried::Fenced;
                }
                // The time to find out ran out: dropped answers say that reading alone will tell.
                Err(StoreError::InDoubt(reason)) => return Tried::Away(reason),
                Err(error) => {
                    self.put_back(writes, answers);
                    return Tried::Away(cause_of(error));
                }
            }
        }
    }

    /// Commits, and finds out what happened if the answer is lost. [`StoreError::InDoubt`] if the time for that ran out.
    async fn commit_for_certain(&mut self, writes: &[Write]) -> Result<Vec<Option<Written>>, StoreError> {
        let mut again = true;
        loop {
            let mut reason = match self.store.commit(self.epoch, writes).await {
                Err(StoreError::InDoubt(reason)) => reason,
                // Written once more, a start may find itself.
                result if again => return result.map(|written| written.into_iter().map(Some).collect()),
                result => {
                    return result.map(|written| written.into_iter().zip(writes).map(|both| Some(own(both))).collect());
                }
            };
            loop {
                self.away(&reason);
                match read_back(self.store, writes).await {
                    Ok(Some(answers)) => return Ok(answers),
                    Ok(None) => break,
                    Err(_) if self.out_of_time() => return Err(StoreError::InDoubt(reason)),
                    // Here starts wait, too: to say that they failed would be a guess.
                    Err(error) => {
                        reason = cause_of(error);
                        self.rest(None).await;
                    }
                }
            }
            // It was not written. A connection that broke is tried again at once, a disk that fails is a store that is away.
            if !again || self.out_of_time() {
                return Err(StoreError::Unavailable(reason));
            }
            again = false;
        }
    }

    /// The store is away: starts are told so at once, what must not be lost is kept and tried again. `false` if the
    /// writer is to end, and has no more time or nothing that is worth it.
    async fn ride_out(&mut self, mut cause: Box<str>) -> bool {
        loop {
            self.away(&cause);
            self.refuse_starts(&cause);
            if self.out_of_time() || (self.until.is_some() && self.waiting.is_empty()) {
                self.refuse_all(&cause);
                return false;
            }
            self.rest(Some(&cause)).await;
            if !self.waiting.is_empty() {
                return true;
            }
            // Nothing is kept whose writing would show that the store is back: it is asked.
            cause = match self.store.commit(self.epoch, &[]).await {
                Ok(_) => {
                    // Only the next write will show whether there is room: the pause stays as long as it is.
                    self.say(Health::Available);
                    return true;
                }
                Err(StoreError::Fenced) => {
                    self.fence();
                    return false;
                }
                Err(error) => cause_of(error),
            };
        }
    }

    /// Pauses, each time twice as long, and takes what is handed over meanwhile; starts among it are refused with `cause`.
    async fn rest(&mut self, cause: Option<&str>) {
        let end = Instant::now() + self.pause;
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        let mut open = true;
        loop {
            let end = self.until.map_or(end, |until| end.min(until));
            tokio::select! {
                biased;
                () = sleep_until(end) => return,
                message = self.queue.recv(), if open => match message {
                    Some(message) => self.accept(message),
                    None => open = false,
                },
            }
            if let Some(cause) = cause {
                self.refuse_starts(cause);
            }
        }
    }

    fn out_of_time(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn batch(&mut self) -> (Vec<Write>, Vec<Answer>) {
        let mut bytes = 0;
        let fits = |write: &Write| {
            bytes += weight(write);
            bytes <= BATCH_BYTES
        };
        let most = self.waiting.iter().take(BATCH).map(|(write, _)| write);
        let count = most.map(fits).take_while(|fits| *fits).count().max(1);
        self.waiting.drain(..count.min(self.waiting.len())).unzip()
    }

    fn put_back(&mut self, writes: Vec<Write>, answers: Vec<Answer>) {
        let later = mem::take(&mut self.waiting);
        self.waiting.extend(writes.into_iter().zip(answers));
        self.waiting.extend(later);
    }

    fn refuse_starts(&mut self, cause: &str) {
        let (starts, kept) =
            mem::take(&mut self.waiting).into_iter().partition(|(write, _)| matches!(write, Write::Start(_)));
        self.waiting = kept;
        refuse(starts, &CommitError::Unavailable(cause.into()));
    }

    fn refuse_all(&mut self, cause: &str) {
        refuse(mem::take(&mut self.waiting), &CommitError::Unavailable(cause.into()));
    }

    fn fence(&mut self) {
        // First the word, then the answers: whoever is answered finds it said.
        self.say(Health::Fenced);
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            self.accept(message);
        }
        refuse(mem::take(&mut self.waiting), &CommitError::Fenced);
    }

    fn back(&mut self) {
        self.pause = FIRST_PAUSE;
        self.say(Health::Available);
    }

    fn away(&self, cause: &str) {
        self.say(Health::Unavailable(cause.into()));
    }

    fn say(&self, new: Health) {
        self.health.send_if_modified(|health| {
            let changed = *health != new;
            *health = new;
            changed
        });
    }
}

fn refuse(jobs: VecDeque<Job>, error: &CommitError) {
    for (_, answer) in jobs {
        let _ = answer.send(Err(error.clone()));
    }
}

/// What a write was answered. A start that finds itself was written before, and that answer was lost.
fn own(both: (Written, &Write)) -> Written {
    match both {
        (Written::Exists(instance), Write::Start(start)) if instance.birth == start.birth => {
            Written::Started(instance.no)
        }
        (written, _) => written,
    }
}

/// The bytes of a write that matter.
fn weight(write: &Write) -> usize {
    let rows = |rows: &[Row]| rows.iter().map(|row| row.event.len()).sum::<usize>();
    match write {
        Write::Start(start) => rows(&start.rows),
        Write::Append(append) => {
            let started: usize = append.starts.iter().map(|start| rows(&start.rows)).sum();
            let sent: usize = append.sends.iter().map(|delivery| delivery.message.body.len()).sum();
            let asked: usize = append.requests.iter().map(|request| request.body.len()).sum();
            rows(&append.rows) + started + sent + asked
        }
    }
}

fn cause_of(error: StoreError) -> Box<str> {
    match error {
        StoreError::Unavailable(cause) | StoreError::InDoubt(cause) | StoreError::Unusable(cause) => cause,
        other => other.to_string().into(),
    }
}
