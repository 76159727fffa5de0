use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.charge(cx, &order).await?;
        self.ship(cx, &order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Transient> {
        Ok(Hold(1))
    }
}

fn main() {}
