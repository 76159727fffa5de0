//! What a handler is given, and the only ways to answer with it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::backend::Backend;
use crate::error::Failed;
use crate::key::Key;
use crate::lent::Lent;

/// An action that is to have its effect now: the transaction in which its answer is going to be stored.
///
/// A handler owns it and has to give it back inside a [`Decided`], which only [`done`](Self::done),
/// [`done_with`](Self::done_with) and [`refuse`](Self::refuse) make. So there is no answer without the transaction, and no
/// commit without the answer. Dropped, it is rolled back.
#[derive(Debug)]
pub struct Effect<DB: Backend> {
    pub(crate) lent: Lent<DB>,
    pub(crate) key: Key,
}

/// An action's answer together with its transaction; stored and committed by whoever called the handler.
#[derive(Debug)]
pub struct Decided<DB: Backend> {
    pub(crate) lent: Lent<DB>,
    pub(crate) answer: Answer,
}

impl<DB: Backend> Effect<DB> {
    /// The connection inside the transaction: what is written here is committed with the answer, or not at all.
    pub fn db(&mut self) -> &mut DB::Connection {
        self.lent.connection()
    }

    /// The key of this call.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// It is done, and this is the answer: status 200, the value as JSON.
    ///
    /// # Errors
    /// [`Failed`] where the value cannot be written as JSON. Everything is rolled back.
    pub fn done(self, value: &impl Serialize) -> Result<Decided<DB>, Failed> {
        self.done_with(200_u16, value)
    }

    /// It is done, and this is the answer under a status from 200 to 299: a number, or a `StatusCode` of the `http` crate.
    ///
    /// # Errors
    /// [`Failed`] where the status is another one, or the value cannot be written as JSON. Everything is rolled back.
    pub fn done_with(self, status: impl Into<u16>, value: &impl Serialize) -> Result<Decided<DB>, Failed> {
        let answer = Answer::done(status.into(), value)?;
        Ok(Decided { lent: self.lent, answer })
    }

    /// The business says no. Whatever was written is taken back, and the refusal is stored like a success: it is final,
    /// and the same whenever the call comes again.
    ///
    /// The status is from 400 to 499, without those that mean a delay (408, 425, 429); the problem goes out as
    /// `application/problem+json` (RFC 9457).
    ///
    /// # Errors
    /// [`Failed`] where the status is another one, or the problem cannot be written as JSON. Nothing is stored then.
    pub fn refuse(self, status: impl Into<u16>, problem: &impl Serialize) -> Result<Decided<DB>, Failed> {
        let answer = Answer::refusal(status.into(), problem)?;
        Ok(Decided { lent: self.lent, answer })
    }
}

/// An action that stands and is to be undone now. There is one only where there is something to undo: an action that never
/// arrived, was refused, or is undone already, is settled without the handler.
///
/// A handler owns it and has to give it back inside an [`Undone`], which only [`undone`](Self::undone) and
/// [`cannot`](Self::cannot) make. Dropped, it is rolled back.
#[derive(Debug)]
pub struct Undo<DB: Backend> {
    pub(crate) lent: Lent<DB>,
    pub(crate) key: Key,
    pub(crate) undoes: Key,
    pub(crate) answer: String,
}

/// What came of an [`Undo`], together with its transaction; stored and committed by whoever called the handler.
#[derive(Debug)]
pub struct Undone<DB: Backend> {
    pub(crate) lent: Lent<DB>,
    /// What the caller is told if it cannot be undone.
    pub(crate) cannot: Option<Answer>,
}

impl<DB: Backend> Undo<DB> {
    /// The connection inside the transaction: what is written here is committed with the answer, or not at all.
    pub fn db(&mut self) -> &mut DB::Connection {
        self.lent.connection()
    }

    /// The compensation's own key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The key of the action that is undone.
    pub fn undoes(&self) -> &Key {
        &self.undoes
    }

    /// What the action answered when it was done: which row it made, for example.
    ///
    /// # Errors
    /// [`Failed`] where the stored answer is not of this type.
    pub fn answer<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        Ok(serde_json::from_str(&self.answer)?)
    }

    /// It is undone.
    pub fn undone(self) -> Undone<DB> {
        Undone { lent: self.lent, cannot: None }
    }

    /// It cannot be undone as things are (what was held is sold): everything is rolled back, and the caller gets this problem
    /// under a status from 400 to 499. A saga parks then, for a person to look at it.
    ///
    /// A compensation has no refusals, so this is not stored: when the cause is mended, the saga's compensation is retried
    /// under the same key, and is carried out.
    ///
    /// # Errors
    /// [`Failed`] where the status means a success or a delay, or the problem cannot be written as JSON.
    pub fn cannot(self, status: impl Into<u16>, problem: &impl Serialize) -> Result<Undone<DB>, Failed> {
        let answer = Answer::refusal(status.into(), problem)?;
        Ok(Undone { lent: self.lent, cannot: Some(answer) })
    }
}
