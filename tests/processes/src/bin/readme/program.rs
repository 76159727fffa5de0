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

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, line: &str, hold: Outcome<String>) -> Result<(), Transient> {
        match hold {
            Outcome::Done(hold) => println!("give {hold} back"),
            // The answer was lost: perhaps held, perhaps never arrived. The participant knows by the key.
            Outcome::Unknown => println!("give {line} back, if {:?} ever took it", cx.undoes()),
        }
        Ok(())
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::builder().store(Sqlite::open("orders.db").await?).register(Checkout).start().await?;
    let order = Order { lines: vec!["socks".into(), "shoes".into()], card_token: "stolen".into() };
    let saga = runtime.start::<Checkout>("order-42", order).await?; // the id is yours: a second start finds the first
    match saga.result().await? {
        End::Completed(receipt) => println!("{}", receipt.parcel),
        End::Compensated { cause, debt } => println!("undone, because {cause:?}; left undone: {}", debt.len()),
    }
    println!("{}", saga.timeline().await?); // every attempt, its answer, its time
    Ok(())
}
