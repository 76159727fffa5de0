//! The saga: from cart to parcel.

use saga_runtime::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Answer, Participant};
use crate::Failed;
use crate::money::Money;
use crate::order::{Line, Order};
use crate::participant::{Charged, HoldTaken, Sent, Stock};
use crate::problem::{Problem, kind};
use crate::shop::Receipt;

/// The checkout, and the services that it calls.
pub struct Checkout {
    inventory: Participant,
    payments: Participant,
    shipping: Participant,
}

impl Checkout {
    /// One that calls the services at these addresses.
    pub(crate) fn at(inventory: &str, payments: &str, shipping: &str) -> Result<Self, Failed> {
        let [inventory, payments, shipping] = [inventory, payments, shipping].map(Participant::at);
        Ok(Self { inventory: inventory?, payments: payments?, shipping: shipping? })
    }

    /// One whose services are one.
    #[cfg(test)]
    pub(super) fn of(participant: Participant) -> Self {
        Self { inventory: participant.clone(), payments: participant.clone(), shipping: participant }
    }
}

/// Why an order cannot be had: a business "no".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Refusal)]
pub enum Denial {
    /// Nobody ever sold that here.
    UnknownSku(String),
    /// Not enough on the shelf.
    OutOfStock(String),
    /// The card's bank says no.
    CardDeclined(String),
    /// The sum is more than the shop accepts.
    TooMuch(String),
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    /// From cart to parcel.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, order: Order) -> Result<Receipt, Unwind<Denial>> {
        let total = self.price(&order).await?;
        let mut holds = Vec::new();
        for line in &order.lines {
            let hold = self.reserve(cx, line).await?;
            holds.push(hold);
        }
        let charge = self.charge(cx, &order, &total).await?; // the point of no return
        self.collect(cx, &holds).await?; // from here on it can only be late, not fail
        let parcel = self.ship(cx, &order).await?;
        Ok(Receipt { order: order.id, charge: charge.id, parcel: parcel.id })
    }

    /// What it costs. What the shop never sold is turned down here, before anything has to be undone.
    #[step(read_only, timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn price(&self, order: &Order) -> Result<Money, Failure<Denial>> {
        for line in &order.lines {
            let stock = self.inventory.get::<Stock>(&format!("/stock/{}", line.sku)).await?;
            stock.map_err(denied)?;
        }
        order.total().map_err(|error| Failure::Refused(Denial::TooMuch(error.to_string())))
    }

    /// Sets the goods of one line aside.
    #[step(timeout = "2s", retry(initial = "50ms", max = "5s", attempts = 6))]
    async fn reserve(&self, cx: &StepContext, line: &Line) -> Result<HoldTaken, Failure<Denial>> {
        let body = json!({ "order": cx.instance(), "sku": line.sku, "quantity": line.quantity });
        self.inventory.post(cx, "/holds", &body).await?.map_err(denied)
    }

    /// Puts the goods back. Whether they were ever set aside, the inventory knows by the key.
    #[compensate(reserve, timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn release(&self, cx: &StepContext, hold: Outcome<HoldTaken>) -> Result<(), Transient> {
        let body = json!({ "order": cx.instance(), "hold": hold.done().map(|hold| hold.id) });
        let released: Answer<IgnoredAny> = self.inventory.post(cx, "/holds/release", &body).await?;
        released.map(drop).map_err(|problem| unexpected(&problem))
    }

    /// Charges the card: the point of no return.
    #[step(pivot, timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn charge(&self, cx: &StepContext, order: &Order, total: &Money) -> Result<Charged, Failure<Denial>> {
        let body = json!({ "order": order.id, "card": order.card, "total": total });
        self.payments.post(cx, "/charges", &body).await?.map_err(denied)
    }

    /// Takes the goods off the shelf: they are sold.
    #[step(retriable, timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn collect(&self, cx: &StepContext, holds: &[HoldTaken]) -> Result<(), Transient> {
        let holds: Vec<&str> = holds.iter().map(|hold| hold.id.as_str()).collect();
        let body = json!({ "order": cx.instance(), "holds": holds });
        let collected: Answer<IgnoredAny> = self.inventory.post(cx, "/holds/collect", &body).await?;
        collected.map(drop).map_err(|problem| unexpected(&problem))
    }

    /// Makes the parcel.
    #[step(retriable, timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn ship(&self, cx: &StepContext, order: &Order) -> Result<Sent, Transient> {
        let items: u32 = order.lines.iter().map(|line| line.quantity).sum();
        let body = json!({ "order": order.id, "customer": order.customer, "items": items });
        self.shipping.post(cx, "/parcels", &body).await?.map_err(|problem| unexpected(&problem))
    }
}

/// A participant's "no". What is not one of those that the saga knows is a mistake, of this service or of that one, and
/// a person has to look at it: trying again would not help, and giving up would call it the customer's fault.
fn denied(problem: Problem) -> Failure<Denial> {
    for (kind, denial) in [
        (kind::UNKNOWN_SKU, Denial::UnknownSku as fn(String) -> Denial),
        (kind::OUT_OF_STOCK, Denial::OutOfStock),
        (kind::CARD_DECLINED, Denial::CardDeclined),
    ] {
        if problem.is(kind) {
            return Failure::Refused(denial(problem.detail));
        }
    }
    unexpected(&problem).into()
}

/// A "no" where there can be none. Among these is the barrier's answer: it says that this call was undone, which only a
/// worker hears that is not in charge any more, and its record will not be accepted.
fn unexpected(problem: &Problem) -> Transient {
    Transient::park(format!("{} {}: {}", problem.status, problem.title, problem.detail))
}

impl Denial {
    /// The same in a word and in a sentence.
    pub(crate) fn told(&self) -> (&'static str, &str) {
        match self {
            Self::UnknownSku(detail) => (kind::UNKNOWN_SKU, detail),
            Self::OutOfStock(detail) => (kind::OUT_OF_STOCK, detail),
            Self::CardDeclined(detail) => (kind::CARD_DECLINED, detail),
            Self::TooMuch(detail) => ("too-much", detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::{Json, Router, routing::post};
    use saga_runtime::testing::FlowContext;

    use super::*;

    /// The saga, with one participant that answers everything that is posted to it alike.
    async fn checkout(status: StatusCode, body: serde_json::Value) -> Checkout {
        let answer = move || std::future::ready((status, Json(body.clone())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/{*path}", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Checkout::of(Participant::at(&url).unwrap())
    }

    async fn turned_down(status: StatusCode, kind: &str) -> Failure<Denial> {
        let problem = serde_json::to_value(Problem::new(status, kind, "no")).unwrap();
        let line = Line { sku: "mug".into(), quantity: 1, unit_price: Money::zero("EUR".parse().unwrap()) };
        // A step is a method like any other: no runtime is needed to call it.
        checkout(status, problem).await.reserve(&FlowContext::detached(), &line).await.unwrap_err()
    }

    #[tokio::test]
    async fn what_is_not_on_the_shelf_is_a_no() {
        let failure = turned_down(StatusCode::CONFLICT, kind::OUT_OF_STOCK).await;
        assert!(matches!(failure, Failure::Refused(Denial::OutOfStock(detail)) if detail == "no"));
    }

    #[tokio::test]
    async fn an_outage_is_a_delay() {
        let failure = turned_down(StatusCode::SERVICE_UNAVAILABLE, "unavailable").await;
        assert!(matches!(failure, Failure::Transient(transient) if transient.to_string().starts_with("503")));
    }

    #[tokio::test]
    async fn a_no_that_nobody_foresaw_is_not_the_customers_fault() {
        let failure = turned_down(StatusCode::UNPROCESSABLE_ENTITY, "key-reused").await;
        assert!(matches!(failure, Failure::Transient(transient) if transient.to_string().contains("key reused")));
    }

    #[tokio::test]
    async fn an_undo_needs_not_know_what_happened() {
        let checkout = checkout(StatusCode::OK, json!({ "undone": false })).await;
        checkout.release(&FlowContext::detached(), Outcome::Unknown).await.unwrap();
    }

    #[test]
    fn the_picture_in_the_readme_is_the_saga_s() {
        let (drawn, shown) = (Checkout::definition().to_svg(), include_str!("../../../../docs/checkout.svg"));
        assert!(drawn == shown, "docs/checkout.svg is of another saga: put there what `checkout demo` draws");
    }
}
