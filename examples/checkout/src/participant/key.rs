//! The two headers of the contract.

use axum::http::{HeaderMap, StatusCode};

use crate::problem::{FieldError, Problem};

/// Names the call: whoever sends it again sends the same key.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// On a compensation: the key of the call that it undoes.
pub(crate) const UNDOES: &str = "Undoes";

/// The longest key.
const LONGEST: usize = 64;

/// Reads a header that holds a key, and that a call of this kind must have.
pub(super) fn required(headers: &HeaderMap, name: &str) -> Result<String, Problem> {
    let mut values = headers.get_all(name).iter();
    let wrong = |detail: &str| Problem {
        errors: vec![FieldError::new(name, detail)],
        ..Problem::new(StatusCode::BAD_REQUEST, "bad-key", format!("the header {name} {detail}"))
    };
    let value = values.next().ok_or_else(|| wrong("is missing"))?;
    if values.next().is_some() {
        return Err(wrong("stands there twice"));
    }
    match value.to_str() {
        Ok(key) if (1..=LONGEST).contains(&key.len()) && !key.contains(' ') => Ok(key.to_owned()),
        _ => Err(wrong("must be 1 to 64 visible ASCII characters")),
    }
}

/// A call of this kind undoes nothing, and a header that says otherwise must not be overlooked.
pub(super) fn forbidden(headers: &HeaderMap, name: &str) -> Result<(), Problem> {
    if !headers.contains_key(name) {
        return Ok(());
    }
    let detail = "belongs on a compensation only";
    Err(Problem {
        errors: vec![FieldError::new(name, detail)],
        ..Problem::new(StatusCode::BAD_REQUEST, "bad-key", format!("the header {name} {detail}"))
    })
}
