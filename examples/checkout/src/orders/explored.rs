//! Every history of an order, with a shop in memory in place of the three services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::StatusCode;
use saga_runtime::StepContext;
use saga_runtime::testing::{Ending, Explore, explore};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::call::{Answer, Participant};
use super::saga::{Checkout, Denial};
use crate::order::{Line, Order};
use crate::problem::{Problem, kind};

/// What the services have, and what they remember.
#[derive(Debug, Default)]
struct Books {
    available: BTreeMap<String, i64>,
    /// By hold.
    held: BTreeMap<String, (String, i64)>,
    sold: BTreeMap<String, i64>,
    charged: Vec<String>,
    parcels: Vec<String>,
    /// The first answer to each key.
    answers: BTreeMap<String, Value>,
    /// Keys that were undone: the call is refused should it arrive late.
    undone: BTreeSet<String>,
}

/// A mistake in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// It carries out a call again that has a key it knows.
    ForgetsKeys,
    /// It puts back goods that nobody had set aside.
    ReleasesAnything,
}

/// A shop in memory.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    books: Arc<Mutex<Books>>,
    mistake: Option<Mistake>,
}

impl Shop {
    fn new(mistake: Option<Mistake>) -> Self {
        let available = [("mug", 3), ("pen", 1)].into_iter().map(|(sku, count)| (sku.to_owned(), count)).collect();
        Self { books: Arc::new(Mutex::new(Books { available, ..Books::default() })), mistake }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        let sku = path.trim_start_matches("/stock/");
        let Some(available) = self.books().available.get(sku).copied() else {
            return Err(Problem::new(StatusCode::NOT_FOUND, kind::UNKNOWN_SKU, sku));
        };
        Ok(serde_json::from_value(json!({ "sku": sku, "available": available, "held": 0, "sold": 0 })).unwrap())
    }

    pub(super) fn post<T: DeserializeOwned>(&self, cx: &StepContext, path: &str, body: &Value) -> Answer<T> {
        let mut books = self.books();
        if books.undone.contains(cx.key()) {
            return Err(Problem::new(StatusCode::GONE, "undone", "this call was undone"));
        }
        let known = books.answers.get(cx.key()).filter(|_| self.mistake != Some(Mistake::ForgetsKeys)).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => self.carry_out(&mut books, cx, path, body)?,
        };
        books.answers.insert(cx.key().to_owned(), answer.clone());
        Ok(serde_json::from_value(answer).unwrap())
    }

    fn carry_out(&self, books: &mut Books, cx: &StepContext, path: &str, body: &Value) -> Result<Value, Problem> {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        match path {
            "/holds" => {
                let (sku, quantity) = (text("sku"), body["quantity"].as_i64().unwrap());
                let available = books.available.get_mut(&sku).filter(|available| **available >= quantity);
                let Some(available) = available else {
                    return Err(Problem::new(StatusCode::CONFLICT, kind::OUT_OF_STOCK, sku));
                };
                *available -= quantity;
                books.held.insert(cx.key().to_owned(), (sku.clone(), quantity));
                Ok(json!({ "id": cx.key(), "sku": sku, "quantity": quantity }))
            }
            "/holds/release" => {
                let undone = cx.undoes().unwrap().to_owned();
                let held = books.held.remove(&undone);
                let held = held.or((self.mistake == Some(Mistake::ReleasesAnything)).then(|| ("mug".into(), 1)));
                if let Some((sku, quantity)) = held {
                    *books.available.get_mut(&sku).unwrap() += quantity;
                }
                books.undone.insert(undone);
                Ok(json!({}))
            }
            "/holds/collect" => {
                for hold in body["holds"].as_array().unwrap() {
                    if let Some((sku, quantity)) = books.held.remove(hold.as_str().unwrap()) {
                        *books.sold.entry(sku).or_default() += quantity;
                    }
                }
                Ok(json!({}))
            }
            "/charges" => {
                books.charged.push(text("order"));
                Ok(json!({ "id": cx.key(), "order": text("order"), "total": body["total"], "refunded": false }))
            }
            "/parcels" => {
                books.parcels.push(text("order"));
                let items = body["items"].clone();
                Ok(json!({ "id": cx.key(), "order": text("order"), "items": items, "cancelled": false }))
            }
            other => panic!("no service has {other}"),
        }
    }

    /// What nobody may see a difference in: stock, sales, charges and parcels.
    fn seen(&self) -> impl std::fmt::Debug + use<> {
        let books = self.books();
        let held: Vec<_> = books.held.values().cloned().collect();
        (books.available.clone(), held, books.sold.clone(), books.charged.clone(), books.parcels.clone())
    }
}

fn order() -> Order {
    let price = |text: &str| crate::money::Money::parse(text, "EUR".parse().unwrap()).unwrap();
    let line = |sku: &str, quantity, unit: &str| Line { sku: sku.into(), quantity, unit_price: price(unit) };
    Order {
        id: "order-42".into(),
        customer: "ada".into(),
        currency: "EUR".parse().unwrap(),
        card: "tok-1".into(),
        lines: vec![line("mug", 2, "8.50"), line("pen", 1, "2.00")],
    }
}

fn exploring(mistake: Option<Mistake>) -> Explore<Checkout, Shop> {
    let make = move || {
        let shop = Shop::new(mistake);
        (Checkout::of(Participant::in_memory(shop.clone())), shop)
    };
    explore(order(), make)
        .state(Shop::seen)
        .refuses("price", Denial::UnknownSku("mug".into()))
        .refuses("reserve", Denial::OutOfStock("mug".into()))
        .refuses("charge", Denial::CardDeclined("no".into()))
}

#[test]
fn an_order_is_filled_or_leaves_nothing_whatever_happens() {
    let explored = exploring(None).invariant(|shop, ending| {
        let books = shop.books();
        let (charged, sent, sold) = (books.charged.len(), books.parcels.len(), books.sold.values().sum::<i64>());
        let filled = (charged, sent, sold, books.held.len()) == (1, 1, 3, 0);
        let nothing = (charged, sent, sold, books.held.len()) == (0, 0, 0, 0);
        let right = match ending {
            Ending::Completed => filled,
            Ending::Compensated => nothing,
            _ => true,
        };
        if right { Ok(()) } else { Err(format!("{ending:?}: {charged} charged, {sent} sent, {sold} sold")) }
    });
    let explored = explored.run().unwrap_or_else(|found| panic!("{found}"));
    println!("{explored}");
    assert!(explored.is_exhaustive() && explored.histories() > 1_000, "{explored}");
    assert!(explored.missed().is_empty(), "{explored}");
}

#[test]
fn a_service_that_breaks_its_promises_is_found() {
    for mistake in [Mistake::ForgetsKeys, Mistake::ReleasesAnything] {
        let found = exploring(Some(mistake)).run().expect_err("it is found");
        assert_eq!(found.promise(), "all or none", "{mistake:?}: {found}");
        let again = exploring(Some(mistake)).replay(found.history()).run().expect_err("it happens again");
        assert_eq!(again.to_string(), found.to_string());
    }
}
