//! Calling a participant: the two headers of the contract, and what its answers mean.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use saga_participant::{IDEMPOTENCY_KEY, UNDOES};
use saga_runtime::{StepContext, Transient};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, kind};
use crate::shop::root_cause;

/// How long connecting may take. The whole attempt is bounded by its step.
const CONNECT: Duration = Duration::from_secs(1);

/// A service that steps call.
#[derive(Debug, Clone)]
pub(crate) struct Participant {
    url: String,
    http: Client,
    /// In its place, in tests.
    #[cfg(test)]
    fake: Option<super::explored::Shop>,
}

/// An answer: what was asked for, or a "no" that would be the same if it were asked for again.
pub(super) type Answer<T> = Result<T, Problem>;

impl Participant {
    /// The service at this address.
    pub(super) fn at(url: &str) -> Result<Self, reqwest::Error> {
        let http = Client::builder().connect_timeout(CONNECT).build()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            http,
            #[cfg(test)]
            fake: None,
        })
    }

    /// A shop in memory.
    #[cfg(test)]
    pub(super) fn in_memory(shop: super::explored::Shop) -> Self {
        Self { fake: Some(shop), ..Self::at("http://nowhere.invalid").expect("a client needs nothing") }
    }

    /// Asks, without an effect.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, Transient> {
        #[cfg(test)]
        if let Some(shop) = &self.fake {
            return Ok(shop.get(path));
        }
        send(self.http.get(format!("{}{path}", self.url))).await
    }

    /// Has something done, or undone, under the key of this call.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        cx: &StepContext,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Answer<T>, Transient> {
        #[cfg(test)]
        if let Some(shop) = &self.fake {
            return Ok(shop.post(cx, path, &serde_json::to_value(body).unwrap()));
        }
        let mut request = self.http.post(format!("{}{path}", self.url)).header(IDEMPOTENCY_KEY, cx.key());
        if let Some(undone) = cx.undoes() {
            request = request.header(UNDOES, undone);
        }
        send(request.json(body)).await
    }
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<Answer<T>, Transient> {
    let response = match request.send().await {
        Ok(response) => response,
        // Nobody was there: nothing can have happened.
        Err(error) if error.is_connect() => return Err(Transient::no_effect(root_cause(&error))),
        // Anything can have happened.
        Err(error) => return Err(Transient::new(root_cause(&error))),
    };
    let status = response.status();
    if status.is_success() {
        return Ok(Ok(response.json().await?));
    }
    let later = later(&response);
    let text = response.text().await?;
    let problem =
        serde_json::from_str::<Problem>(&text).unwrap_or_else(|_| Problem::new(status, "no-problem-document", text));
    if is_final(status, &problem) {
        return Ok(Err(problem));
    }
    let message = format!("{status}: {}", problem.detail);
    Err(later.map_or_else(|| Transient::new(&message), |later| later.because(&message)))
}

/// Whether asking again would be answered the same. Everything else is a delay.
fn is_final(status: StatusCode, problem: &Problem) -> bool {
    let delays = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    status.is_client_error() && !delays.contains(&status) && !problem.is(kind::IN_PROGRESS)
}

/// What `Retry-After` says.
fn later(response: &Response) -> Option<Transient> {
    Transient::retry_after_header(response.headers().get(RETRY_AFTER)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_final_unless_it_says_that_it_is_late() {
        for (status, kind, last) in [
            (402, kind::CARD_DECLINED, true),
            (404, kind::UNKNOWN_SKU, true),
            (409, kind::OUT_OF_STOCK, true),
            (409, kind::IN_PROGRESS, false),
            (410, "undone", true),
            (422, "key-reused", true),
            (408, "timeout", false),
            (425, "too-early", false),
            (429, "slow-down", false),
            (500, "internal-error", false),
            (503, "unavailable", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_final(status, &Problem::new(status, kind, "")), last, "{status} {kind}");
        }
    }
}
