//! The body of a call, read and checked before anything is begun: what is turned down here has not used up its key.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::json::{self, Body};
use crate::problem::Problem;

/// What a call says.
pub(super) trait Check {
    /// Checks what can be checked without the database.
    fn check(&self) -> Result<(), Problem>;
}

/// A body that is in order.
pub(super) struct Input<T>(pub(super) T);

impl<S: Send + Sync, T: Check + DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Body(body) = Body::from_request(request, state).await?;
        let value: T = json::read(&body)?;
        value.check()?;
        Ok(Self(value))
    }
}
