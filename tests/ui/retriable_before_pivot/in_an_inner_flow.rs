use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.send(cx, &order).await?;
        self.charge(cx, &order).await?;
        self.both(cx, &order).await
    }

    #[flow(inner)]
    async fn send(&self, cx: &FlowContext, order: &Order) -> Result<(), Unwind<Refused>> {
        self.ship(cx, order).await?;
        Ok(())
    }

    #[flow(inner)]
    async fn both(&self, cx: &FlowContext, order: &Order) -> Result<(), Unwind<Refused>> {
        if order.lines.is_empty() {
            return Err(Refused::OutOfStock.into());
        }
        self.ship(cx, order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext, order: &Order) -> Result<Parcel, Transient> {
        Ok(Parcel(order.lines.len() as u64))
    }
}

fn main() {}
