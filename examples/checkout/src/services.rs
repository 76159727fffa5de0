//! The three services in one process, for whoever has a checkout as a part of something else.

use std::path::Path;

use reqwest::Client;
use saga_runtime::verify::Ledger;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Failed;
use crate::orders::{self, Checkout};
use crate::participant::{self, Service};

/// Inventory, payments and shipping, served on free ports of this machine until this is dropped. None of them misbehaves.
#[derive(Debug)]
pub struct Services {
    inventory: String,
    payments: String,
    shipping: String,
    /// Serving ends with it.
    _serving: JoinSet<std::io::Result<()>>,
}

impl Services {
    /// Starts the three, with their databases in this folder.
    ///
    /// # Errors
    /// A database cannot be opened, or there is no port to listen on.
    pub async fn start(folder: &Path) -> Result<Self, Failed> {
        let mut serving = JoinSet::new();
        let mut urls = Vec::new();
        for (service, db) in [
            (Service::Inventory, "inventory.db"),
            (Service::Payments, "payments.db"),
            (Service::Shipping, "shipping.db"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            urls.push(format!("http://{}", listener.local_addr()?));
            serving.spawn(participant::serving(service, &folder.join(db), listener).await?);
        }
        let [inventory, payments, shipping] = urls.try_into().map_err(|_| "there are three of them")?;
        Ok(Self { inventory, payments, shipping, _serving: serving })
    }

    /// Puts so many of one thing on the shelf.
    ///
    /// # Errors
    /// The inventory says no, or does not answer.
    pub async fn stock(&self, sku: &str, available: u32) -> Result<(), Failed> {
        let request = Client::new().put(format!("{}/stock/{sku}", self.inventory));
        request.json(&json!({ "available": available })).send().await?.error_for_status()?;
        Ok(())
    }

    /// What they have accepted by now, for `Runtime::verify`.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn ledger(&self) -> Result<Ledger, Failed> {
        let (inventory, payments, shipping) = (self.inventory.clone(), self.payments.clone(), self.shipping.clone());
        orders::Services { inventory, payments, shipping }.ledger().await
    }

    /// The saga that calls them, to be registered with a runtime.
    ///
    /// # Errors
    /// This machine has no HTTP client to offer.
    pub fn checkout(&self) -> Result<Checkout, Failed> {
        Checkout::at(&self.inventory, &self.payments, &self.shipping)
    }
}
