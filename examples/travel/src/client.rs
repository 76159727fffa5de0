//! How a step calls a service: with the key of its call, and knowing what an answer means.

use reqwest::{Response, StatusCode};
use saga_participant::{IDEMPOTENCY_KEY, UNDOES};
use saga_runtime::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::trip::Sorry;

/// The services' address, and the way there.
pub(crate) struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    /// The services that listen here, e.g. on `127.0.0.1:7081`.
    pub(crate) fn at(address: &str) -> Self {
        Self { http: reqwest::Client::new(), address: address.to_owned() }
    }

    /// Has something done: what came of it, or the service's "no". Everything else is a delay.
    pub(crate) async fn act<T: DeserializeOwned>(
        &self,
        cx: &StepContext,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Result<T, Sorry>, Transient> {
        let request = self.http.post(format!("http://{}{path}", self.address)).header(IDEMPOTENCY_KEY, cx.key());
        let response = request.json(body).send().await?;
        if response.status().is_success() {
            return Ok(Ok(response.json().await?));
        }
        no(response).await.map(Err)
    }

    /// Has undone what this compensation is for. Whether there is anything to undo, the service knows by the key: so no
    /// compensation of this saga asks how its step ended.
    pub(crate) async fn undo(&self, cx: &StepContext, path: &str) -> Result<(), Transient> {
        let undoes = cx.undoes().unwrap_or_default();
        let request = self.http.post(format!("http://{}{path}", self.address)).header(IDEMPOTENCY_KEY, cx.key());
        let response = request.header(UNDOES, undoes).send().await?;
        if response.status().is_success() {
            return Ok(());
        }
        let sorry = no(response).await?;
        Err(Transient::park(format!("it cannot be undone: {sorry:?}")))
    }
}

/// What an answer means that is no success.
async fn no(response: Response) -> Result<Sorry, Transient> {
    let (status, text) = (response.status(), response.text().await?);
    match serde_json::from_str(&text) {
        Ok(sorry) => Ok(sorry),
        Err(_) if is_a_delay(status) => Err(Transient::new(format!("{status}: {text}"))),
        // A mistake of this program or of that one: asking again would not help, and it is not the traveller's fault.
        Err(_) => Err(Transient::park(format!("{status}: {text}"))),
    }
}

/// Whether asking again can be answered otherwise. A conflict that is no refusal is a call that is under way.
fn is_a_delay(status: StatusCode) -> bool {
    let delays = [StatusCode::CONFLICT, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    !status.is_client_error() || delays.contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_be_answered_otherwise_asks_again() {
        for (status, delay) in
            [(408, true), (409, true), (429, true), (500, true), (503, true), (400, false), (410, false), (422, false)]
        {
            assert_eq!(is_a_delay(StatusCode::from_u16(status).unwrap()), delay, "{status}");
        }
    }
}
