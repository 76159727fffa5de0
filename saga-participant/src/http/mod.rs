//! The contract over HTTP, as routes for axum.

mod headers;
mod problem;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use tracing::Instrument as _;

use crate::answer::Answer;
use crate::backend::Backend;
use crate::call::{Call, Compensation};
use crate::effect::{Decided, Effect, Undo, Undone};
use crate::error::{Error, Failed, Kind};
use crate::participant::Participant;

pub use headers::{IDEMPOTENCY_KEY, REPLAYED, UNDOES};
use problem::Problem;

/// Whose key a request carries, where callers do not trust one another: put it into the request's extensions in the
/// layer that authenticates them, and each caller has keys of its own.
///
/// ```
/// use axum::{extract::Request, middleware::Next, response::Response};
/// use saga_participant::Scope;
///
/// async fn authenticate(mut request: Request, next: Next) -> Response {
///     let tenant = "acme"; // whom the request's credentials are of
///     request.extensions_mut().insert(Scope::new(tenant));
///     next.run(request).await
/// }
/// # let _: axum::Router = axum::Router::new().layer(axum::middleware::from_fn(authenticate));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The scope of this caller.
    pub fn new(caller: &str) -> Self {
        Self(caller.into())
    }
}

impl<DB: Backend> Participant<DB> {
    /// A route for an action: a `POST` under a key.
    ///
    /// The handler takes the [`Effect`], and beside it whatever axum can extract: one extractor, or a tuple of them. It is
    /// called once for each key. The name of the action is stored with each call, and is what its
    /// [`compensation`](Self::compensation) names; like the tables, it outlives this build.
    ///
    /// What callers are answered, as `application/problem+json` (RFC 9457) where it is not the handler's answer:
    ///
    /// | what | status | `type` |
    /// |---|---|---|
    /// | the handler's answer, the first time and every time (then with `Idempotency-Replayed: true`) | its own | its own |
    /// | a key that is missing, twice there or malformed, or an `Undoes` that does not belong here | 400 | `/problems/bad-key` |
    /// | another attempt is under way: ask again (`Retry-After`) | 409 | `/problems/in-progress` |
    /// | the call was undone before it arrived, and will never be carried out | 410 | `/problems/undone` |
    /// | the key belongs to another request | 422 | `/problems/key-reused` |
    /// | the handler [failed](Failed) or panicked: ask again (`Retry-After`) | 503 | `/problems/failed` |
    ///
    /// What an extractor turns down is answered as the extractor does it, before anything is stored, so that the key is
    /// still free. The body is read whole, up to axum's [`DefaultBodyLimit`](axum::extract::DefaultBodyLimit). A call that
    /// was begun goes on when its caller hangs up, so that whoever asks again finds the answer.
    ///
    /// ```
    /// use axum::{Json, Router, extract::State, http::StatusCode};
    /// use saga_participant::{Decided, Effect, Failed, Participant};
    /// use sqlx::Sqlite;
    ///
    /// async fn hold(
    ///     mut effect: Effect<Sqlite>,
    ///     (State(most), Json(quantity)): (State<i64>, Json<i64>),
    /// ) -> Result<Decided<Sqlite>, Failed> {
    ///     if quantity > most {
    ///         return effect.refuse(StatusCode::CONFLICT, &"not so many");
    ///     }
    ///     sqlx::query("UPDATE shelf SET held = held + $1").bind(quantity).execute(effect.db()).await?;
    ///     effect.done_with(StatusCode::CREATED, &quantity)
    /// }
    ///
    /// fn routes(participant: &Participant<Sqlite>) -> Router {
    ///     Router::new().route("/holds", participant.action("hold", hold)).with_state(10)
    /// }
    /// ```
    pub fn action<S, M, E, F, Fut>(&self, name: &'static str, handler: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        E: FromRequest<S, M> + Send + 'static,
        F: Fn(Effect<DB>, E) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Decided<DB>, Failed>> + Send + 'static,
    {
        let participant = self.clone();
        post(move |State(state): State<S>, request: Request| async move {
            let (request, call) = Received::of(request, &state, name).await?;
            let call = call.without_undoes()?;
            let claim = participant.claim(&call.identity)?;
            to_the_end(async move {
                let input = E::from_request(request, &state).await.map_err(IntoResponse::into_response)?;
                let answer = participant.act_claimed(&claim, &call, |effect| handler(effect, input)).await?;
                Ok(respond(answer))
            })
            .await
        })
    }

    /// A route for the compensation of an action: a `POST` under a key of its own, whose header `Undoes` holds the key of the
    /// call that it undoes.
    ///
    /// The handler takes the [`Undo`], and beside it whatever axum can extract. It is called only if there is something to
    /// undo; callers are answered 200 with `{"undone": true}` or `{"undone": false}`. Beyond the answers of
    /// [`action`](Self::action) there are
    ///
    /// | what | status | `type` |
    /// |---|---|---|
    /// | a header `Undoes` that is missing, twice there, malformed, or the call's own key | 400 | `/problems/bad-key` |
    /// | the action that is to be undone is under way: ask again (`Retry-After`) | 409 | `/problems/in-progress` |
    /// | the key that is named is of another action, or of a compensation | 422 | `/problems/wrong-undo` |
    /// | the handler says that it [cannot](Undo::cannot) be undone | its own | its own |
    ///
    /// ```
    /// use axum::{Json, Router};
    /// use saga_participant::{Failed, Participant, Undo, Undone};
    /// use sqlx::Sqlite;
    ///
    /// async fn release(mut undo: Undo<Sqlite>, (): ()) -> Result<Undone<Sqlite>, Failed> {
    ///     let quantity: i64 = undo.answer()?; // what the hold was answered
    ///     sqlx::query("UPDATE shelf SET held = held - $1").bind(quantity).execute(undo.db()).await?;
    ///     Ok(undo.undone())
    /// }
    ///
    /// fn routes(participant: &Participant<Sqlite>) -> Router {
    ///     Router::new().route("/holds/release", participant.compensation("hold", release))
    /// }
    /// ```
    pub fn compensation<S, M, E, F, Fut>(&self, action: &'static str, handler: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        E: FromRequest<S, M> + Send + 'static,
        F: Fn(Undo<DB>, E) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Undone<DB>, Failed>> + Send + 'static,
    {
        let participant = self.clone();
        post(move |State(state): State<S>, request: Request| async move {
            let (request, call) = Received::of(request, &state, action).await?;
            let call = call.with_undoes()?;
            let claim = participant.claim(&call.call.identity)?;
            to_the_end(async move {
                let input = E::from_request(request, &state).await.map_err(IntoResponse::into_response)?;
                let answer = participant.compensate_claimed(&claim, &call, |undo| handler(undo, input)).await?;
                Ok(respond(answer))
            })
            .await
        })
    }
}

/// A request that was read: its body stands ready for whatever is to be extracted.
struct Received {
    call: Call,
    headers: HeaderMap,
}

impl Received {
    /// Reads the key and then the body: who sends no key has not sent a call.
    async fn of<S: Send + Sync>(request: Request, state: &S, action: &str) -> Result<(Request, Self), NotAnswered> {
        let key = headers::required(request.headers(), IDEMPOTENCY_KEY)?;
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(whole, state).await.map_err(Problem::from)?;
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let scope = parts.extensions.get::<Scope>().map_or("", |scope| &*scope.0);
        let call = Call::new(action, key, &body).at(target).of(scope);
        let headers = parts.headers.clone();
        Ok((Request::from_parts(parts, Body::from(body)), Self { call, headers }))
    }

    fn without_undoes(self) -> Result<Call, NotAnswered> {
        headers::forbidden(&self.headers, UNDOES)?;
        Ok(self.call)
    }

    fn with_undoes(self) -> Result<Compensation, NotAnswered> {
        let undoes = headers::required(&self.headers, UNDOES)?;
        Ok(self.call.undoing(undoes))
    }
}

/// Goes on to the end in a task of its own: a caller that hangs up does not stop a call half-way, as little as hanging up
/// stops a warehouse. It would be rolled back, and whoever has less patience than the work takes would never get it done.
async fn to_the_end(
    work: impl Future<Output = Result<Response, NotAnswered>> + Send + 'static,
) -> Result<Response, NotAnswered> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(ended) => ended,
        Err(error) => {
            // A panic has been rolled back by the drop of its transaction.
            tracing::error!(%error, "a call did not end");
            Err(Problem::failed(None).into())
        }
    }
}

fn respond(answer: Answer) -> Response {
    let Ok(status) = StatusCode::from_u16(answer.status) else {
        return Problem::failed(None).into_response();
    };
    let content = if answer.refused { problem::PROBLEM } else { "application/json" };
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    if answer.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// A response in place of an answer.
struct NotAnswered(Box<Response>);

impl IntoResponse for NotAnswered {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for NotAnswered {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Problem> for NotAnswered {
    fn from(problem: Problem) -> Self {
        problem.into_response().into()
    }
}

impl From<Error> for NotAnswered {
    fn from(error: Error) -> Self {
        match error.kind {
            // What the handler said, and not stored: it may be said otherwise the next time.
            Kind::Cannot { status, body } => respond(Answer { refused: true, status, body, replayed: false }).into(),
            _ => Problem::from(&error).into(),
        }
    }
}
