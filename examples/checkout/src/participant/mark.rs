//! The undo that payments and shipping have in common: a row of one order is marked, and stays in the books.

use axum::http::StatusCode;
use saga_participant::{Failed, Undo, Undone};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::Sqlite;

use super::input::{Check, Input};
use super::luck::Luck;
use crate::order::bad_names;
use crate::problem::{Problem, kind};

/// What was answered when the row was made.
pub(super) trait Marked: DeserializeOwned {
    /// What it is called.
    const WHAT: &'static str;
    /// Marks the row with this id.
    const MARK: &'static str;

    /// The row's own id.
    fn id(&self) -> &str;

    /// The order that it is for.
    fn order(&self) -> &str;
}

/// Whose row is meant. Which one, the `Undoes` header says; the order is a cross-check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfOrder {
    order: String,
}

impl Check for OfOrder {
    fn check(&self) -> Result<(), Problem> {
        Problem::unless_empty(bad_names(&[("/order", &self.order)]))
    }
}

/// Marks the row that the call made.
pub(super) async fn mark<T: Marked>(
    mut undo: Undo<Sqlite>,
    (_, Input(wanted)): (Luck, Input<OfOrder>),
) -> Result<Undone<Sqlite>, Failed> {
    let row: T = undo.answer()?;
    if row.order() != wanted.order {
        let detail = format!("the {} of this key is not for the order {}", T::WHAT, wanted.order);
        return undo.cannot(StatusCode::CONFLICT, &Problem::new(StatusCode::CONFLICT, kind::CONFLICT, detail));
    }
    sqlx::query(T::MARK).bind(row.id()).execute(undo.db()).await?;
    Ok(undo.undone())
}
