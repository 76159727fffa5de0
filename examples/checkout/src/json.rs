//! Bodies into values, with errors that name the field.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::{FieldError, Problem};

/// The largest body that is read.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// A body, at most [`BODY_LIMIT`] bytes of it, whatever its content type says.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
        Ok(Self(bytes?))
    }
}

/// Reads an object: what is no JSON at all is a 400, a value that is not of this shape a 422 that
/// names the field.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (pointer, error) = (pointer(error.path()), error.inner());
        if error.is_data() && !is_object(bytes) { no_object() } else { misread(pointer, error) }
    })?;
    reader.end().map_err(|error| misread(String::new(), &error))?;
    // An array of the right length is read as the fields in the order of the Rust type, which nobody was told.
    if is_object(bytes) { Ok(value) } else { Err(no_object()) }
}

/// Whether it begins as an object does.
fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

fn no_object() -> Problem {
    let detail = r#"the body is no JSON object; write its fields by name, as in {"name": "value"}"#;
    Problem::invalid(vec![FieldError::new("", detail)])
}

fn misread(pointer: String, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::invalid(vec![FieldError::new(pointer, in_plain_words(&error.to_string()))]),
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed-json", format!("the body is not JSON: {error}"))
        }
    }
}

/// What serde says, without the names that Rust has for numbers.
fn in_plain_words(said: &str) -> String {
    let names = [
        ("expected i64", "a whole number"),
        ("expected u32", "a whole number from 0"),
        ("expected u64", "a whole number from 0"),
        ("expected f64", "a number"),
    ];
    names.iter().fold(said.to_owned(), |said, (name, words)| said.replace(name, &format!("expected {words}")))
}

/// The path as a JSON pointer, with its two escapes.
fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}
