//! Labels that a flow has set and nobody has stored yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A label that was set (`Some`) or taken away (`None`), by its key.
type Change = (Box<str>, Option<Box<str>>);

/// Where a flow puts its labels until the executor stores them with the next commit. Each clone is the same place.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Labels(Arc<Mutex<Vec<Change>>>);

impl Labels {
    pub(super) fn put(&self, key: String, value: Option<String>) {
        let change = (key.into(), value.map(String::into_boxed_str));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// Takes what has been set since the last time, in that order; a later one of the same key goes before an earlier.
    pub fn take(&self) -> Vec<(Box<str>, Option<Box<str>>)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was set and not taken, as it stands in the end.
    pub(super) fn pending(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for (key, value) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            match value {
                Some(value) => labels.insert(String::from(&**key), String::from(&**value)),
                None => labels.remove(&**key),
            };
        }
        labels
    }
}
