//! Asking the participants.

use std::collections::BTreeMap;

use reqwest::Client;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::verdict::Books;
use crate::Failed;

/// What is on the shelf when the shop opens.
const STOCK: &str = include_str!("../../stock.json");

/// Puts the shipped stock on the shelf, and says how much of what.
pub(super) async fn load_stock(inventory: &str) -> Result<BTreeMap<String, i64>, Failed> {
    let stock: BTreeMap<String, i64> = serde_json::from_str(STOCK)?;
    let http = Client::new();
    for (sku, available) in &stock {
        let request = http.put(format!("{inventory}/stock/{sku}")).json(&json!({ "available": available }));
        request.send().await?.error_for_status()?;
    }
    Ok(stock)
}

/// The books of all three, without what was ordered and loaded.
pub(super) async fn read(inventory: &str, payments: &str, shipping: &str) -> Result<Books, Failed> {
    Ok(Books {
        stock: ask(inventory, "/stock").await?,
        charges: ask(payments, "/charges").await?,
        parcels: ask(shipping, "/parcels").await?,
        ..Books::default()
    })
}

/// What a participant answers.
pub(super) async fn ask<T: DeserializeOwned>(url: &str, path: &str) -> Result<T, Failed> {
    Ok(Client::new().get(format!("{url}{path}")).send().await?.error_for_status()?.json().await?)
}
