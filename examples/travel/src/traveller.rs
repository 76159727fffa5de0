//! What a traveller asks of the agency, over HTTP.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use crate::Failed;
use crate::agency::{Cancellation, Stand};
use crate::trip::{Card, Trip};

/// How long an agency that does not answer is asked again: it may just be starting.
const PATIENCE: Duration = Duration::from_secs(20);

/// The agency, as its travellers know it. All that they ask can be asked twice.
#[derive(Debug, Clone)]
pub(crate) struct Agency {
    http: reqwest::Client,
    address: String,
}

impl Agency {
    /// The agency at this address.
    pub(crate) fn at(address: &str) -> Self {
        Self { http: reqwest::Client::new(), address: address.to_owned() }
    }

    /// Asks for a trip.
    pub(crate) async fn book(&self, id: &str, trip: &Trip) -> Result<(), Failed> {
        self.ask(Method::PUT, &format!("/trips/{id}"), trip).await.map(drop)
    }

    /// Pays.
    pub(crate) async fn pay(&self, id: &str, card: &Card) -> Result<(), Failed> {
        self.ask(Method::POST, &format!("/trips/{id}/payment"), card).await.map(drop)
    }

    /// Asks for a cancellation, and waits for the decision.
    pub(crate) async fn cancel(&self, id: &str, because: &str) -> Result<Cancellation, Failed> {
        read(&self.ask(Method::POST, &format!("/trips/{id}/cancellation"), &because).await?)
    }

    /// Looks how a trip stands.
    pub(crate) async fn show(&self, id: &str) -> Result<Stand, Failed> {
        read(&self.ask(Method::GET, &format!("/trips/{id}"), &()).await?)
    }

    /// All that happened to a trip.
    pub(crate) async fn timeline(&self, id: &str) -> Result<String, Failed> {
        self.ask(Method::GET, &format!("/trips/{id}/timeline"), &()).await
    }

    async fn ask(&self, method: Method, path: &str, body: &(impl Serialize + Sync)) -> Result<String, Failed> {
        let until = Instant::now() + PATIENCE;
        loop {
            let request = self.http.request(method.clone(), format!("http://{}{path}", self.address)).json(body);
            let why: Failed = match answer(request).await {
                Ok((status, text)) if status.is_success() => return Ok(text),
                Ok((status, text)) if status.is_client_error() => return Err(text.into()),
                Ok((status, text)) => format!("{status}: {text}").into(),
                Err(error) => format!("nobody answers at {}: {error}", self.address).into(),
            };
            if Instant::now() > until {
                return Err(why);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(StatusCode, String), reqwest::Error> {
    let response = request.send().await?;
    Ok((response.status(), response.text().await?))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failed> {
    Ok(serde_json::from_str(text)?)
}
