//! Reading journals: most of a page by one query, the long ones to their end.

use crate::store::{Instance, InstanceNo, Row, Store, StoreError};

/// As many rows are read of each journal with those of the others: most have no more.
const SHORT: usize = 64;

/// So many rows of a longer one are read at a time.
const ROWS: usize = 1_000;

/// The journal of each of these instances; of one that is damaged so that the store cannot give it, what the store says.
pub(super) async fn journals(
    store: &dyn Store,
    page: &[Instance],
) -> Result<Vec<Result<Vec<Row>, String>>, StoreError> {
    let numbers: Vec<InstanceNo> = page.iter().map(|instance| instance.no).collect();
    let beginnings = match store.journals(&numbers, SHORT).await {
        Ok(beginnings) => beginnings.into_iter().map(Some).collect(),
        // One of them is damaged: each by itself.
        Err(StoreError::Unusable(_)) => vec![None; numbers.len()],
        Err(error) => return Err(error),
    };
    let mut journals = Vec::with_capacity(numbers.len());
    for (no, beginning) in numbers.into_iter().zip(beginnings) {
        let long = beginning.as_ref().is_none_or(|rows: &Vec<Row>| rows.len() >= SHORT);
        let mut journal = Ok(beginning.unwrap_or_default());
        if long {
            journal = rest(store, no, journal.unwrap_or_default()).await;
        }
        journals.push(match journal {
            Ok(rows) => Ok(rows),
            Err(StoreError::Unusable(what)) => Err(what.into()),
            Err(error) => return Err(error),
        });
    }
    Ok(journals)
}

/// A journal of which these are the first rows.
async fn rest(store: &dyn Store, no: InstanceNo, mut rows: Vec<Row>) -> Result<Vec<Row>, StoreError> {
    loop {
        let next = rows.last().map_or(1, |last| last.seq + 1);
        let more = store.journal(no, next, ROWS).await?;
        let whole = more.len() < ROWS;
        rows.extend(more);
        if whole {
            return Ok(rows);
        }
    }
}
