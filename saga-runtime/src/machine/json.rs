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

/// Writes a value as JSON; debug builds check that it comes back as it was (SEMANTICS.md rule 5), so that one that does not
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
/// set has none (SEMANTICS.md rule 5).
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
