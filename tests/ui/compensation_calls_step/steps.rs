use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, _order: &Order) -> Result<(), Transient> {
        let _ = self.reserve(cx, _order).await;
        let _ = Self::charge(self, cx, _order).await;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }
}

fn main() {}
