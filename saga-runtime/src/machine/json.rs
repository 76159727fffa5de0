//! Values as they are stored.

use super::check::{ReadBack, Written};
use serde_json::value::RawValue;

/// A value as stored: one JSON text.
pub type Json = Box<RawValue>;

/// Why a value could not be written as, or read from, JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError(pub String);

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

/// Writes a value as JSON.
pub fn encode<T: Written + ?Sized>(value: &T) -> Result<Json, JsonError> {
    value.write()
}

/// Writes a value as JSON; debug builds check that it comes back as it was (docs/semantics.md, rule 5), so that one that does not
/// is found before a crash finds it.
pub fn encode_checked<T: Written + ReadBack>(value: &T) -> Result<Json, JsonError> {
    let json = encode(value)?;
    if cfg!(debug_assertions) {
        let back = decode::<T>(&json).map_err(|error| JsonError(format!("it cannot be read back: {error}")))?;
        let again = encode(&back)?;
        if !same_value(&json, &again) {
            return Err(JsonError(format!("it changes when it is saved and read back: {json} became {again}")));
        }
    }
    Ok(json)
}

/// Reads a value back.
pub fn decode<T: ReadBack>(json: &RawValue) -> Result<T, JsonError> {
    T::read(json)
}

/// JSON `null`.
pub fn null() -> Json {
    RawValue::NULL.to_owned()
}

/// Whether two texts hold the same value: keys of objects unordered, elements of arrays compared in any order, because a
/// set has none (docs/semantics.md, rule 5).
pub fn same_value(a: &RawValue, b: &RawValue) -> bool {
    a.get() == b.get() || canonical(a) == canonical(b)
}

fn canonical(json: &RawValue) -> Option<serde_json::Value> {
    fn sort(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(sort);
                items.sort_by_cached_key(ToString::to_string);
            }
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(sort);
                fields.sort_keys();
            }
            _ => {}
        }
    }
    let mut value = serde_json::from_str(json.get()).ok()?;
    sort(&mut value);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use std::collections::{BTreeSet, HashMap, HashSet};

    /// Forgets a field when it is written.
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Forgetful {
        #[serde(default = "seven", skip_serializing_if = "is_eight")]
        number: u32,
    }

    fn seven() -> u32 {
        7
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_eight(number: &u32) -> bool {
        *number == 8
    }

    #[test]
    fn rule_5_a_value_that_does_not_come_back_is_found_when_it_is_written() {
        assert!(encode_checked(&Forgetful { number: 9 }).is_ok());
        let error = encode_checked(&Forgetful { number: 8 }).expect_err("eight comes back as seven");
        assert!(error.0.contains("{\"number\":7}"), "{error}");
        // JSON has no number for it: `null` comes back as nothing.
        assert!(encode_checked(&f64::NAN).is_err());
    }

    #[test]
    fn rule_5_a_number_comes_back_to_its_last_digit() {
        for number in [9.223_372_036_036_855e21, 0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, 123_456_789.123_456_79] {
            let back: f64 = decode(&encode_checked(&number).expect("it comes back")).expect("it is a number");
            assert_eq!(back.to_bits(), number.to_bits(), "{number:e}");
        }
    }

    #[test]
    fn rule_5_the_order_of_a_map_and_of_a_set_says_nothing() {
        let map: HashMap<u32, u32> = (0..100).map(|number| (number, number)).collect();
        let set: HashSet<u32> = (0..100).collect();
        assert!(encode_checked(&map).is_ok() && encode_checked(&set).is_ok());
        assert!(encode_checked(&set.into_iter().collect::<BTreeSet<_>>()).is_ok());
    }
}
