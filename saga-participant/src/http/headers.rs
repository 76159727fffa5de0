//! The headers of the contract.

use axum::http::HeaderMap;

use super::problem::Problem;
use crate::key::Key;

/// Names the call: whoever sends it again sends the same key. Its name and its meaning are those of the draft
/// `draft-ietf-httpapi-idempotency-key-header` of the IETF; the key may stand in quotes, as there, or without.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// On a compensation: the key of the call that it undoes.
pub const UNDOES: &str = "Undoes";

/// On an answer: `true` where it was given before, and is told again.
pub const REPLAYED: &str = "Idempotency-Replayed";

/// The key in a header that a call of this kind must have.
pub(super) fn required(headers: &HeaderMap, name: &'static str) -> Result<Key, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| Problem::header(name, "is missing"))?;
    if values.next().is_some() {
        return Err(Problem::header(name, "stands there twice"));
    }
    // What is not ASCII is no key either.
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Key::new(bare).map_err(|error| Problem::header(name, &error.to_string()))
}

/// A call of this kind undoes nothing, and a header that says otherwise must not be overlooked.
pub(super) fn forbidden(headers: &HeaderMap, name: &'static str) -> Result<(), Problem> {
    if headers.contains_key(name) {
        return Err(Problem::header(name, "belongs on a compensation only"));
    }
    Ok(())
}
