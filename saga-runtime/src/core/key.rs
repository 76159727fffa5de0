//! Idempotency keys (one for each call, one for each undo of a call).

use crate::{
    machine::Json,
    planted::{Mistake, is_planted},
};
use sha2::{Digest, Sha256};
use std::{str, sync::Arc};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The call itself.
    Step,
    /// The call's compensation.
    Compensation,
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The key of a call: a hash of what makes it this call and no other, as 40 hexadecimal digits.
///
/// `birth` is unique for ever, so that a later instance of the same id has other keys. `branch` is the path of joins that
/// leads to the call; outside of joins it is empty.
pub(crate) fn key(birth: &str, branch: &str, state: &str, ordinal: u64, purpose: Purpose) -> Arc<str> {
    let purpose = match purpose {
        Purpose::Step => "step",
        Purpose::Compensation => "undo",
    };
    let ordinal = if is_planted(Mistake::KeyOfStateAlone) { 1 } else { ordinal };
    let mut hash = Sha256::new();
    for part in [birth, branch, state, &ordinal.to_string(), purpose] {
        // With its length, so that no two lists of parts look the same.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut key = [0; 40];
    for (byte, digits) in hash.finalize().iter().zip(key.chunks_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    // Digits are UTF-8.
    str::from_utf8(&key).unwrap_or_default().into()
}

/// The hash by which a second start is compared: of the input's canonical JSON.
pub(crate) fn input_hash(input: &Json) -> [u8; 32] {
    // Keys in order: two inputs that differ in the order of a map's keys are the same.
    let canonical = serde_json::from_str::<serde_json::Value>(input.get()).map(|mut value| {
        value.sort_all_objects();
        value.to_string()
    });
    Sha256::digest(canonical.as_deref().unwrap_or(input.get()).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn inputs_that_say_the_same_have_one_hash_and_others_have_others() {
        let hash = |text: &str| input_hash(&serde_json::value::RawValue::from_string(text.into()).expect("it is JSON"));
        assert_eq!(hash(r#"{"a":1,"b":[2,{"c":3,"d":4}]}"#), hash(r#"{ "b": [2, {"d":4, "c":3}], "a": 1 }"#));
        let others = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"b":1}"#, "[1,2]", "[2,1]", "1", "null"];
        assert_eq!(others.map(hash).into_iter().collect::<BTreeSet<_>>().len(), others.len());
    }

    #[test]
    fn each_call_and_each_undo_has_a_key_of_its_own_fit_for_a_header() {
        let mut seen = BTreeSet::new();
        for birth in ["1", "11"] {
            for state in ["reserve", "1reserve"] {
                for ordinal in [1, 2, 11] {
                    for purpose in [Purpose::Step, Purpose::Compensation] {
                        let key = key(birth, "", state, ordinal, purpose);
                        assert!(key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_graphic()), "{key}");
                        assert!(seen.insert(key));
                    }
                }
            }
        }
    }
}
