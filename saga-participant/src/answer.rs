//! What is answered under a key, the first time and every time.

use serde::Serialize;

use crate::error::Failed;

/// The answer to a call. Whoever asks again under the same key gets the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(crate) refused: bool,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) replayed: bool,
}

impl Answer {
    /// Whether the business said no. Nothing was done then.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// The status, in the numbers of HTTP.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body: JSON.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Whether it was answered before, and is told again.
    pub fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// A success: a status that a caller reads as one.
    pub(crate) fn done(status: u16, value: &impl Serialize) -> Result<Self, Failed> {
        if !(200..=299).contains(&status) {
            return Err(Failed::new(format!("what is done is answered with a status from 200 to 299, not {status}")));
        }
        Self::fresh(false, status, value)
    }

    /// A refusal: a status that no caller reads as a success or as a delay.
    pub(crate) fn refusal(status: u16, value: &impl Serialize) -> Result<Self, Failed> {
        const DELAYS: [u16; 3] = [408, 425, 429];
        if !(400..=499).contains(&status) || DELAYS.contains(&status) {
            return Err(Failed::new(format!(
                "a refusal is answered with a status from 400 to 499 that is not 408, 425 or 429, which mean a delay: \
                 not with {status}"
            )));
        }
        Self::fresh(true, status, value)
    }

    fn fresh(refused: bool, status: u16, value: &impl Serialize) -> Result<Self, Failed> {
        Ok(Self { refused, status, body: serde_json::to_string(value)?, replayed: false })
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn a_status_that_means_something_else_is_turned_down() {
        for status in [100, 199, 300, 304, 404, 500] {
            assert!(Answer::done(status, &()).is_err(), "{status}");
        }
        for status in [200, 399, 408, 425, 429, 500, 503] {
            assert!(Answer::refusal(status, &()).is_err(), "{status}");
        }
        assert!(Answer::done(201, &()).is_ok() && Answer::refusal(409, &()).is_ok());
    }
}
