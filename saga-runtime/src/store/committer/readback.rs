//! What became of a batch whose answer was lost: the store is asked, nobody guesses.

use super::super::{Store, StoreError, Write, Written};

/// The answers, if the batch was written; `None` if nothing of it was. A start whose identity had been taken, and is free by now, has
/// none: it was not written.
///
/// A batch is written wholly or not at all, so one write that left a trace tells of all. A batch in which none does (all of
/// its starts find others in their place, and its appends have no rows) changes nothing when it is written again: what its
/// appends start or send is found by its identity, a request that they forward is asked for twice at worst, and what a touch lets go
/// is let go already. If another worker has taken it meanwhile, the store leaves the touch out; if this one has, it looks whose it is
/// once the run that let it go is over.
pub(crate) async fn read_back(store: &dyn Store, writes: &[Write]) -> Result<Option<Vec<Option<Written>>>, StoreError> {
    // Appends first: nobody else could have written their rows.
    let (appends, starts): (Vec<_>, Vec<_>) = writes.iter().partition(|write| matches!(write, Write::Append(_)));
    for write in appends.into_iter().chain(starts) {
        if let Some(written) = trace(store, write).await? {
            return if written { answers(store, writes).await.map(Some) } else { Ok(None) };
        }
    }
    Ok(None)
}

/// Whether this write, and so its batch, was written; `None` if it would leave no trace.
async fn trace(store: &dyn Store, write: &Write) -> Result<Option<bool>, StoreError> {
    match write {
        Write::Start(start) => match store.find(&start.saga, &start.id).await? {
            Some(instance) if instance.birth == start.birth => Ok(Some(true)),
            // It was taken by another one, which may be forgotten by now.
            Some(_) | None => Ok(None),
        },
        Write::Append(append) => {
            let Some(row) = append.rows.first() else { return Ok(None) };
            match store.journal(append.instance, row.seq, 1).await?.first() {
                Some(found) => Ok(Some(found == row)),
                // It has ended and is a tombstone by now: its rows are gone, these or not.
                None if store.length(append.instance).await? == 0 => Ok(None),
                None => Ok(Some(false)),
            }
        }
    }
}

/// What the lost answer said.
async fn answers(store: &dyn Store, writes: &[Write]) -> Result<Vec<Option<Written>>, StoreError> {
    let mut answers = Vec::with_capacity(writes.len());
    for write in writes {
        answers.push(match write {
            Write::Append(_) => Some(Written::Appended),
            Write::Start(start) => match store.find(&start.saga, &start.id).await? {
                Some(instance) if instance.birth == start.birth => Some(Written::Started(instance.no)),
                Some(instance) => Some(Written::Exists(Box::new(instance))),
                // What was started is not forgotten so soon: it was another one, and its tombstone is gone.
                None => None,
            },
        });
    }
    Ok(answers)
}
