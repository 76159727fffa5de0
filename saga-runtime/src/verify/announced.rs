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
    /// Its answer is recorded, or the saga undoes what it did, and calls nothing any more.
    Over,
    /// Of an undo: nothing has failed yet that it could be for.
    Early,
}

/// How the call, or the undo, with this key stands by the journal; nothing, if no row announces it: then nothing of it may begin.
pub fn standing(instance: &Instance, rows: &[Row], key: &str) -> Option<Standing> {
    let (journal, _) = walk(rows, &read_all(rows).0, None);
    journal.calls.values().find_map(|call| {
        let (over, early) = if &*call.key(&instance.birth, Purpose::Step) == key {
            (call.done.is_some() || call.failed || call.undone.is_some() || journal.unwinds, false)
        } else if &*call.key(&instance.birth, Purpose::Compensation) == key {
            (call.undone.is_some(), !journal.fails)
        } else {
            return None;
        };
        Some(match (over, early) {
            (true, _) => Standing::Over,
            (false, true) => Standing::Early,
            (false, false) => Standing::Open,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Standing, standing};
    use crate::{
        core::key::{Purpose, key},
        store::{Append, InstanceNo, Labels, Row, Start, Store as _, Write, memory::Memory},
    };

    const HOLD: &str = r#"{"called":{"state":"hold","fingerprint":"f","calls":{"step":[{"step":"hold",
        "compensation":"release"},{}]}}}"#;
    const DONE: &str = r#"{"answered":{"done":null}}"#;
    const REFUSED: &str = r#"{"answered":{"refused":null}}"#;
    const UNWINDING: &str = r#"{"unwinding":{"cause":"deadline","doubt":[]}}"#;
    const UNDONE: &str = r#"{"undone":{"call":{"row":2},"how":"done"}}"#;

    #[tokio::test]
    async fn how_a_call_and_its_undo_stand_is_told_by_the_key() {
        let (of_step, of_undo) = (Purpose::Step, Purpose::Compensation);
        for (rows, purpose, stands) in [
            (&[][..], of_step, None),
            (&[HOLD], of_step, Some(Standing::Open)),
            (&[HOLD], of_undo, Some(Standing::Early)),
            (&[HOLD, DONE], of_step, Some(Standing::Over)),
            (&[HOLD, REFUSED], of_step, Some(Standing::Over)),
            (&[HOLD, UNWINDING], of_step, Some(Standing::Over)),
            (&[HOLD, DONE, UNWINDING], of_undo, Some(Standing::Open)),
            (&[HOLD, DONE, UNWINDING, UNDONE], of_undo, Some(Standing::Over)),
        ] {
            let store = Memory::default();
            let epoch = store.register().await.expect("the store answers");
            let started = r#"{"started":{"version":1,"parameter":"n","input":1}}"#;
            let row = |seq: u64, text: &str| Row { seq, at: 0, event: text.into() };
            let start = Start {
                saga: "order".into(),
                id: "1".into(),
                birth: "born".into(),
                version: 1,
                input_hash: [0; 32],
                owned: true,
                at: 0,
                wake_at: None,
                parent: None,
                labels: Labels::new(),
                rows: vec![row(1, started)],
            };
            let more = (2..).zip(rows).map(|(seq, text)| row(seq, text)).collect();
            let writes = [Write::Start(start), Write::Append(Append::new(InstanceNo(1), more))];
            store.commit(epoch, &writes).await.expect("it is written");
            let instance = store.find("order", "1").await.expect("the store answers").expect("it is there");
            let kept = store.journal(instance.no, 1, 100).await.expect("the store answers");
            let key = key(&instance.birth, "", "hold", 1, purpose);
            assert_eq!(standing(&instance, &kept, &key), stands, "{rows:?}");
        }
    }
}
