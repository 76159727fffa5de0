//! What a journal tells of a call by its key.

use super::{read_all, walk};
use crate::{
    core::key::Purpose,
    store::{Instance, Row},
};

/// How a call, or an undo, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may have begun, or may begin.
    Open,
    /// Its answer is recorded.
    Over,
}

/// How the call, or the undo, with this key stands by the journal; nothing, if no row announces it: then nothing of it may begin.
pub fn standing(instance: &Instance, rows: &[Row], key: &str) -> Option<Standing> {
    let (journal, _) = walk(rows, &read_all(rows).0, None);
    journal.calls.values().find_map(|call| {
        let over = if &*call.key(&instance.birth, Purpose::Step) == key {
            call.done.is_some()
        } else if &*call.key(&instance.birth, Purpose::Compensation) == key {
            call.undone.is_some()
        } else {
            return None;
        };
        Some(if over { Standing::Over } else { Standing::Open })
    })
}
