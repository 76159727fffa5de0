//! What comes from outside, checked before anything is done with it.

use super::Error;
use crate::{
    core::key::input_hash,
    machine::{Json, Saga, encode_checked},
    store::Labels,
};

/// An id may not be longer, in bytes.
const LONGEST_ID: usize = 200;
/// Nor the key of a label.
const LONGEST_KEY: usize = 64;
/// Nor its value.
const LONGEST_VALUE: usize = 256;
/// The longest text that says who asks for something, or why: it stands in the journal, and in every timeline.
const LONGEST_SAID: usize = 4 << 10;
/// An instance may not have more labels.
const MOST_LABELS: usize = 16;

/// An input that is fit to start an instance with.
pub(super) struct Checked {
    pub(super) json: Json,
    /// The hash of its canonical JSON.
    pub(super) hash: [u8; 32],
}

pub(super) fn checked<S: Saga>(id: &str, input: &S::Input, limit: usize) -> Result<Checked, Error> {
    check_id(id)?;
    let name = S::DEFINITION.name;
    let json = encode_checked(input)
        .map_err(|error| Error::invalid(&format!("the input of saga `{name}` cannot be saved: {error}")))?;
    let size = json.get().len();
    if size > limit {
        return Err(Error::too_large(&format!(
            "the input of saga `{name}` is {size} bytes long, more than the limit of {limit}"
        )));
    }
    let hash = input_hash(&json);
    Ok(Checked { json, hash })
}

fn check_id(id: &str) -> Result<(), Error> {
    check(id, "`id`", "an instance's id")
}

/// What names a message to an instance.
pub(super) fn check_message_id(id: &str) -> Result<(), Error> {
    check(id, "`message`", "a message's id")
}

fn check(id: &str, parameter: &str, what: &str) -> Result<(), Error> {
    let wrong = if id.is_empty() {
        "it is empty".to_owned()
    } else if id.len() > LONGEST_ID {
        format!("it is {} bytes long, more than the limit of {LONGEST_ID}", id.len())
    } else if let Some(bad) = id.chars().find(|c| c.is_control()) {
        format!("it contains the control character {bad:?}")
    } else if id.trim() != id {
        "it begins or ends with white space".to_owned()
    } else {
        return Ok(());
    };
    let shown: String = id.chars().take(40).collect();
    Err(Error::invalid(&format!("{parameter} {shown:?} is not fit to be {what}: {wrong}")))
}

/// Says why this cannot be a label, if it cannot.
pub(crate) fn check_label(key: &str, value: &str) -> Result<(), String> {
    let wrong = if key.is_empty() {
        "its key is empty".to_owned()
    } else if key.len() > LONGEST_KEY {
        format!("its key is {} bytes long, more than the limit of {LONGEST_KEY}", key.len())
    } else if value.len() > LONGEST_VALUE {
        format!("its value is {} bytes long, more than the limit of {LONGEST_VALUE}", value.len())
    } else if let Some(bad) = key.chars().chain(value.chars()).find(|c| c.is_control()) {
        format!("it contains the control character {bad:?}")
    } else if key.trim() != key {
        "its key begins or ends with white space".to_owned()
    } else {
        return Ok(());
    };
    let shown: String = key.chars().take(LONGEST_KEY).collect();
    Err(format!("`label` {shown:?} is not fit to be one: {wrong}"))
}

/// Says why this cannot be said of a request, if it cannot: `what` is who asks, or why.
pub(crate) fn check_said(what: &str, text: &str) -> Result<(), String> {
    if text.len() > LONGEST_SAID {
        return Err(format!("`{what}` is {} bytes long, more than the limit of {LONGEST_SAID}", text.len()));
    }
    // Lines are for people; a NUL is what a database cannot keep.
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Some(bad) => Err(format!("`{what}` contains the control character {bad:?}")),
        None => Ok(()),
    }
}

/// Says why an instance cannot have these labels, if it cannot.
pub(crate) fn check_labels(labels: &Labels) -> Result<(), String> {
    let many = labels.len();
    if many <= MOST_LABELS { Ok(()) } else { Err(format!("{many} labels are more than the limit of {MOST_LABELS}")) }
}
