use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Line(String);
#[derive(Serialize, Deserialize)]
pub struct Order {
    id: u64,
    lines: Vec<Line>,
}
#[derive(Serialize, Deserialize)]
struct Quote;
#[derive(Serialize, Deserialize)]
struct Hold;
#[derive(Serialize, Deserialize)]
struct Charge {
    id: u64,
}
#[derive(Serialize, Deserialize)]
pub struct Parcel;
#[derive(Serialize, Deserialize)]
pub struct Receipt {
    order: u64,
    charge: u64,
    parcel: Parcel,
}
#[derive(Debug, Serialize, Deserialize, Refusal)]
pub enum Refusal {
    OutOfStock,
}

struct Inventory;
struct Payments;
struct Shipping;
pub struct Checkout {
    inventory: Inventory,
    payments: Payments,
    shipping: Shipping,
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    /// From cart to parcel.
    #[flow]
    pub async fn run(&self, cx: &FlowContext, order: Order) -> Result<Receipt, Unwind<Refusal>> {
        let quote = self.price(&order).await?;
        let mut holds = Vec::new();
        for line in &order.lines {
            let hold = self.reserve(cx, line).await?; // each await is a saved state
            holds.push(hold);
        }
        let charge = self.charge(cx, &order, &quote).await?; // the point of no return
        let parcel = self.ship(cx, &order, &holds).await?; // can only be late, not fail
        Ok(Receipt { order: order.id, charge: charge.id, parcel })
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<Quote, Failure<Refusal>> {
        if order.lines.is_empty() {
            return Err(Refusal::OutOfStock.into());
        }
        Ok(Quote)
    }

    #[step(timeout = "2s", retry(initial = "50ms", max = "5s", attempts = 6))]
    async fn reserve(&self, cx: &StepContext, line: &Line) -> Result<Hold, Failure<Refusal>> {
        let Inventory = self.inventory;
        line.0.parse::<u64>()?;
        assert!(!cx.key().is_empty());
        Ok(Hold)
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, line: &Line, hold: Outcome<Hold>) -> Result<(), Transient> {
        let _ = (cx.undoes(), &line.0, hold.done());
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, order: &Order, quote: &Quote) -> Result<Charge, Failure<Refusal>> {
        let (Payments, Quote) = (&self.payments, quote);
        Ok(Charge { id: order.id + u64::from(cx.attempt()) })
    }

    #[step(retriable)]
    async fn ship(&self, cx: &StepContext, order: &Order, holds: &[Hold]) -> Result<Parcel, Transient> {
        let Shipping = self.shipping;
        let _ = (cx.instance(), order.id, holds.len());
        Ok(Parcel)
    }
}

fn main() {
    let states: Vec<_> = Checkout::definition().main().states.iter().map(|state| state.name).collect();
    assert_eq!(states, ["price", "reserve", "charge", "ship"]);
    let _ = Checkout { inventory: Inventory, payments: Payments, shipping: Shipping };
}
