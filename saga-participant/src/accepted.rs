//! What was accepted, for whoever holds it against what the callers believe.

use std::collections::HashMap;

use crate::backend::{Backend, Kind};
use crate::error::Error;
use crate::participant::Participant;

/// A call that was carried out: an action that was not refused, or a compensation that undid one or came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Whose key it is; empty where all callers are one.
    pub scope: String,
    /// Its key.
    pub key: String,
    /// The action, also of a compensation.
    pub action: String,
    /// Of a compensation: the key of the call that it undoes.
    pub undoes: Option<String>,
    /// Of a compensation: whether there was something to undo. Always so of an action.
    pub changed: bool,
    /// When it was answered, in microseconds since 1970, by the clock of the process that answered.
    pub answered_at: i64,
}

/// A row as far as this is about it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Kept {
    pub(crate) scope: String,
    pub(crate) key: String,
    pub(crate) kind: Kind,
    pub(crate) action: String,
    pub(crate) undone_by: Option<String>,
    pub(crate) refused: bool,
    pub(crate) answered_at: i64,
}

impl<DB: Backend> Participant<DB> {
    /// Every call that was accepted and is not forgotten, in the order of their answers. It reads the whole table.
    ///
    /// What came again is in it once, and what was refused is not, nor is a compensation that found its action refused or undone
    /// already. An orchestrator can hold it against its journals: with `saga-runtime` each of these is an `Effect` of a `Ledger`,
    /// which `Runtime::verify` takes.
    ///
    /// # Errors
    /// [`Error::is_failed`] where the database does not work.
    ///
    /// # Cancel safety
    /// It only reads.
    pub async fn accepted(&self) -> Result<Vec<Accepted>, Error> {
        let rows = DB::all(self.pool()).await?;
        let undone = rows.iter().filter_map(|row| Some(((&row.scope, row.undone_by.as_ref()?), row)));
        let undone: HashMap<_, _> = undone.collect();
        let accepted = rows.iter().filter_map(|row| {
            let (undoes, changed) = match row.kind {
                Kind::Action if !row.refused => (None, true),
                Kind::Compensation => {
                    let of = undone.get(&(&row.scope, &row.key))?;
                    (Some(of.key.clone()), of.kind == Kind::Action)
                }
                Kind::Action | Kind::Barrier => return None,
            };
            let (scope, key, action) = (row.scope.clone(), row.key.clone(), row.action.clone());
            Some(Accepted { scope, key, action, undoes, changed, answered_at: row.answered_at })
        });
        Ok(accepted.collect())
    }
}
