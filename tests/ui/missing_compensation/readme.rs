use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order { lines: Vec<String>, card_token: String }
#[derive(Serialize, Deserialize)]
struct Receipt { charge: String, parcel: String }

/// A business "no": never retried; it unwinds the saga.
#[derive(Debug, Serialize, Deserialize, Refusal)]
enum No { SoldOut, Declined }

struct Checkout; // its fields would be the clients of the services that it calls

#[saga(name = "checkout", version = 1)]
impl Checkout {
    /// From cart to parcel.
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Receipt, Unwind<No>> {
        let mut holds = Vec::new();
        for line in &order.lines {
            let hold = self.reserve(cx, line).await?; // each await is a saved state
            holds.push(hold);
        }
        let charge = self.charge(cx, &order.card_token).await?; // the point of no return
        let parcel = self.ship(cx, &holds).await?; // tried until it is done
        Ok(Receipt { charge, parcel })
    }

    #[step(timeout = "2s", retry(initial = "50ms", max = "5s"))]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<String, Failure<No>> {
        if line == "unicorn" {
            return Err(No::SoldOut.into());
        }
        Ok(format!("hold {} of {line}", cx.key())) // the key goes along: a second attempt is not a second hold
    }

    #[step(pivot, key_valid = "24h")] // the provider forgets keys after a day: then a person looks, and nothing is charged twice
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        if card == "stolen" { Err(No::Declined.into()) } else { Ok(format!("charge {}", cx.key())) }
    }

    #[step(retriable)]
    async fn ship(&self, cx: &StepContext, holds: &[String]) -> Result<String, Transient> {
        Ok(format!("parcel {} of {}", cx.key(), holds.len()))
    }
}

fn main() {}
