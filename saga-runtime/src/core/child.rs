//! What a saga and the one that started it say to each other.

use super::event::UnwindCause;
use crate::machine::{Answer, Json};
use serde::{Deserialize, Serialize};

/// The name of the message that tells the end of a child. No signal has a space in its name.
pub(crate) fn end_of(id: &str) -> Box<str> {
    format!("end of {id}").into()
}

/// Whether a message of this name tells the end of a child.
pub(crate) fn is_end(name: &str) -> bool {
    name.starts_with("end of ")
}

/// How a child ended, as its parent is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChildEnd {
    /// It completed with this.
    Completed(Json),
    /// It was compensated.
    Compensated(UnwindCause),
}

impl From<ChildEnd> for Answer {
    fn from(end: ChildEnd) -> Self {
        let given_up = |why: String| Self::Exhausted { step: "child saga".into(), last_error: why.into() };
        match end {
            ChildEnd::Completed(output) => Self::Done(output),
            ChildEnd::Compensated(cause) => match cause {
                UnwindCause::Refused(refusal) => Self::Refused(refusal),
                UnwindCause::Exhausted { step, last_error } => Self::Exhausted { step, last_error },
                UnwindCause::Cancelled { reason } => given_up(format!("it was cancelled: {reason}")),
                UnwindCause::Deadline => given_up("its time was over".into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_child_is_told_by_a_name_that_no_signal_has() {
        assert!(is_end(&end_of("1")) && is_end(&end_of("")));
        assert!(!is_end("go") && !is_end("end") && !is_end(""));
    }
}
