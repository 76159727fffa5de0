use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        join!(self.price(&order), self.stock(&order)).await?;
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(read_only)]
    async fn stock(&self, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
