//! What the steps of the workloads answer: about 200 bytes of JSON, of which nothing compresses to nothing.

use serde::{Deserialize, Serialize};

/// What a saga is started with.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Which.
    pub(crate) number: u64,
    /// Whether the last step refuses it.
    pub(crate) refused: bool,
}

/// What a step answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// What the participant calls it.
    pub(crate) reference: String,
    /// Who answers.
    pub(crate) participant: String,
    /// What is promised.
    pub(crate) lines: Vec<Line>,
    /// Until when, in seconds since 1970.
    pub(crate) until: u64,
}

/// A line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// What.
    pub(crate) sku: String,
    /// How many.
    pub(crate) count: u64,
}

impl Answer {
    /// The answer of one participant to one order.
    pub(crate) fn new(participant: &str, order: u64) -> Self {
        let line = |shift: u64| Line { sku: format!("sku-{:016x}", mixed(order ^ shift)), count: 1 + shift };
        Self {
            reference: format!("{participant}-{:08x}-{order}", mixed(order) >> 32),
            participant: format!("{participant}.example.org"),
            lines: vec![line(1), line(2)],
            until: 1_800_000_000 + order % 86_400,
        }
    }
}

/// Spreads a number over all digits.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_answer_has_about_200_bytes() {
        for order in [0, 123_456_789] {
            let bytes = serde_json::to_string(&Answer::new("inventory", order)).unwrap().len();
            assert!((180..=220).contains(&bytes), "{bytes}");
        }
    }
}
