//! The orders service as its callers see it: the shapes of its answers, and a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::Failed;
use crate::problem::Problem;

/// What `GET /orders/{id}` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderView {
    /// The order's id.
    pub(crate) id: String,
    /// How far it is.
    pub(crate) status: Status,
    /// What the customer gets to see of a completed order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Receipt>,
    /// What kind of reason there is for that, e.g. `card-declined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// The reason in words: why it did not complete, or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Under way, or waiting for its turn.
    Running,
    /// Charged and sent.
    Completed,
    /// Undone, as if it had never been placed.
    Compensated,
    /// Waiting for a person.
    Parked,
}

impl Status {
    /// Whether nothing more happens by itself.
    pub(crate) fn is_settled(self) -> bool {
        self != Self::Running
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Parked => "parked",
        })
    }
}

/// What the customer gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The order's id.
    pub order: String,
    /// The charge's id.
    pub charge: String,
    /// The parcel's id.
    pub parcel: String,
}

/// One of what `GET /orders` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// The order's id.
    pub(crate) id: String,
    /// How far it is.
    pub(crate) status: Status,
}

/// One of what `GET /orders/{id}/timeline` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// The row of the journal.
    pub(crate) row: u64,
    /// When it was recorded, in microseconds since the Unix epoch.
    pub(crate) at_micros: i64,
    /// The state that it is about: named after the step. Empty where it is about none.
    pub(crate) state: String,
    /// What kind of event it is, e.g. `attempt_failed`.
    pub(crate) event: String,
    /// The same in words, with what was sent, answered or wrong.
    pub(crate) detail: String,
}

/// What `GET /verdict` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// What was held against what, and whether all is well.
    pub(crate) line: String,
    /// Every broken promise, in words.
    pub(crate) violations: Vec<String>,
}

/// A client of the orders service, which may be several processes: whoever answers.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    urls: Arc<[String]>,
    /// Who is asked next.
    next: Arc<AtomicUsize>,
    http: Client,
}

/// Why an order was not accepted.
#[derive(Debug)]
pub(crate) enum NotPlaced {
    /// The service has read it and says no.
    TurnedDown(Problem),
    /// The service could not be asked, for as long as the caller was willing to wait.
    OutOfReach(String),
}

impl std::fmt::Display for NotPlaced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TurnedDown(problem) => f.write_str(&problem.detail),
            Self::OutOfReach(error) => write!(f, "the orders service is out of reach: {error}"),
        }
    }
}

impl Shop {
    /// How long one request may take.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// A client of the service at these addresses, at least one.
    pub(crate) fn at(urls: &[&str]) -> Result<Self, Failed> {
        let http = Client::builder().timeout(Self::TIMEOUT).build()?;
        let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Ok(Self { urls, next: Arc::default(), http })
    }

    /// Each in turn.
    fn url(&self) -> &str {
        &self.urls[self.next.fetch_add(1, Ordering::Relaxed) % self.urls.len()]
    }

    /// Places an order. Sending one twice is harmless, since its id makes it one and the same; so a
    /// service that does not answer is asked again, `patience` long.
    pub(crate) async fn place(&self, order: &str, patience: Duration) -> Result<(), NotPlaced> {
        let pause = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            let error = match self.try_place(order).await {
                Ok(answer) => return answer.map_err(NotPlaced::TurnedDown),
                Err(error) => error,
            };
            if waited >= patience {
                return Err(NotPlaced::OutOfReach(root_cause(&error)));
            }
            sleep(pause).await;
            waited += pause;
        }
    }

    async fn try_place(&self, order: &str) -> Result<Result<(), Problem>, reqwest::Error> {
        let request = self.http.post(format!("{}/orders", self.url()));
        let response = request.header("Content-Type", "application/json").body(order.to_owned()).send().await?;
        if response.status().is_client_error() {
            return Ok(Err(response.json().await?));
        }
        response.error_for_status()?;
        Ok(Ok(()))
    }

    /// How far each order is.
    pub(crate) async fn orders(&self) -> Result<Vec<Listed>, reqwest::Error> {
        self.get("/orders").await
    }

    /// How far an order is, and why.
    pub(crate) async fn order(&self, id: &str) -> Result<OrderView, reqwest::Error> {
        self.get(&format!("/orders/{id}")).await
    }

    /// All that happened to an order.
    pub(crate) async fn timeline(&self, id: &str) -> Result<Vec<Moment>, reqwest::Error> {
        self.get(&format!("/orders/{id}/timeline")).await
    }

    /// Whether the sagas are what the services have accepted.
    pub(crate) async fn verdict(&self) -> Result<Verdict, reqwest::Error> {
        self.get("/verdict").await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, reqwest::Error> {
        let mut tried = 1;
        loop {
            let answer = self.http.get(format!("{}{path}", self.url())).send().await;
            match answer.and_then(reqwest::Response::error_for_status) {
                Ok(answer) => return answer.json().await,
                Err(error) if tried == self.urls.len() => return Err(error),
                Err(_) => tried += 1,
            }
        }
    }
}

/// The last of an error's causes: what went wrong, without what it was wrapped in.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
