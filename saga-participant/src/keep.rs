//! Forgetting old keys, and looking at what is kept.

use std::time::Duration;

use crate::backend::Backend;
use crate::error::Error;
use crate::participant::{Participant, now};

/// How many keys are forgotten in one transaction: so few that no caller waits long behind it.
const BATCH: i64 = 500;

/// How long keys are remembered after they were answered.
///
/// What is forgotten is as if it had never come, so each of the two has its price:
///
/// - `settled` are refusals, compensations, barriers and actions that are undone. Sent again after that, such a call is
///   carried out as a new one, and an action whose barrier is gone has its effect after its own undo. So it must be longer
///   than any caller goes on sending a call, plus the time that a request can be on its way. In a saga that is the step's
///   `key_valid` (a step without one retries for ever: then nothing may be forgotten), plus an hour.
/// - `standing` are actions that are done and not undone. The same holds for them, **and** their compensation finds
///   nothing any more: it succeeds and leaves a barrier, while the effect stays. So it must also be longer than any saga
///   takes from this step to its point of no return or its end, waiting and parking included. `None` keeps them for ever,
///   for the price of one row for each call that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Refusals, compensations, barriers and actions that are undone.
    pub settled: Duration,
    /// Actions that are done and not undone; `None` for ever.
    pub standing: Option<Duration>,
}

/// What a participant keeps of its calls, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that were answered.
    pub answers: i64,
    /// How often a call came again and got the stored answer.
    pub replays: i64,
    /// Compensations that came before their call, or without it.
    pub barriers: i64,
    /// How often a barrier turned a call away, because it came after its own undo.
    pub turned_away: i64,
}

impl<DB: Backend> Participant<DB> {
    /// Forgets keys that are older than they are kept for, in small transactions, and says how many it were. Call it now
    /// and then, from one process or from all. [`Keep`] says what it costs.
    ///
    /// Ages are measured by this process's clock, as answers are dated by the clock of the process that gave them.
    ///
    /// # Errors
    /// [`Error::is_failed`] where the database does not work. What was forgotten by then stays forgotten.
    ///
    /// # Cancel safety
    /// Cancelled, some of the old keys are forgotten.
    pub async fn prune(&self, keep: Keep) -> Result<u64, Error> {
        let mut pruned = 0;
        let ages = [(false, Some(keep.settled)), (true, keep.standing)];
        for (standing, age) in ages.into_iter().filter_map(|(standing, age)| Some((standing, age?))) {
            let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
            let before = now().saturating_sub(age);
            loop {
                let mut tx = DB::begin(self.pool()).await?;
                let batch = DB::prune(&mut tx, standing, before, BATCH).await?;
                tx.commit().await?;
                if batch == 0 {
                    break;
                }
                pruned += batch;
            }
        }
        Ok(pruned)
    }

    /// What is kept, in numbers. It reads the whole table.
    ///
    /// # Errors
    /// [`Error::is_failed`] where the database does not work.
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn counts(&self) -> Result<Counts, Error> {
        Ok(DB::counted(self.pool()).await?)
    }
}
