//! Looking at a store from outside.

use crate::Fallible;
use saga_runtime::store::{Filter, Instance, Status, Store};
use std::time::Duration;

/// Every instance that has ended or is parked, once all have or are, or once none has come to it for so many looks.
pub(crate) async fn at_rest(store: &dyn Store, patience: u32) -> Fallible<Vec<Instance>> {
    let (mut before, mut looks) = (0, 0);
    loop {
        let mut everything = all(store, &Filter::default()).await?;
        let number = everything.len();
        everything.retain(|instance| instance.status.is_end() || instance.status == Status::Parked);
        looks = if everything.len() > before { 0 } else { looks + 1 };
        before = everything.len();
        if before == number || looks > patience {
            return Ok(everything);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every instance that the filter admits.
pub(crate) async fn all(store: &dyn Store, filter: &Filter) -> Fallible<Vec<Instance>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(filter, after, 1000).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.no);
        found.extend(page);
    }
}

/// Waits until something is so; whether it came to be, within so many looks.
pub(crate) async fn until(patience: u32, mut so: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..patience {
        if so().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
