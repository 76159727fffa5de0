//! Whether the sagas' transactional steps have a store that can do what they ask.

use super::Error;
use crate::engine::erased::AnySaga;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Steps that commit with the store have a store that can, and do not ask for more time than it gives.
pub(super) fn check(sagas: &HashMap<&'static str, Arc<dyn AnySaga>>, longest: Option<Duration>) -> Result<(), Error> {
    let mut sagas: Vec<_> = sagas.iter().map(|(name, saga)| (*name, saga.definition())).collect();
    sagas.sort_by_key(|(name, _)| *name);
    for (saga, definition) in sagas {
        for step in definition.steps.iter().filter(|step| step.transactional) {
            let Some(longest) = longest else {
                return Err(Error::invalid(&format!(
                    "step `{}` of saga `{saga}` commits in a transaction of the store, and this store has none for steps: use \
                     one in a database (`Sqlite::open(\"..\")`)",
                    step.name
                )));
            };
            let undo = step.compensation.as_ref().map(|undo| (undo.name, undo.policy));
            for (name, policy) in [(step.name, step.policy)].into_iter().chain(undo) {
                if policy.own_timeout && policy.timeout > longest {
                    return Err(Error::invalid(&format!(
                        "`{name}` of saga `{saga}` has a timeout of {:?}, but a transaction of this store may last {longest:?} at \
                         most, since nobody else can write meanwhile",
                        policy.timeout
                    )));
                }
            }
        }
    }
    Ok(())
}
