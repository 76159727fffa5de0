//! Whether a journal tells of a call.

use super::walk;
use crate::{
    core::key::Purpose,
    store::{Instance, Row},
};

/// Whether the journal announces the call, or the undo, that has this key: before that nothing of it may begin.
pub fn announces(instance: &Instance, rows: &[Row], key: &str) -> bool {
    let (journal, _) = walk(rows);
    let of = |purpose| journal.calls.values().any(|call| &*call.key(&instance.birth, purpose) == key);
    of(Purpose::Step) || of(Purpose::Compensation)
}
