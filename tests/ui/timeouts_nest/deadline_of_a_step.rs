use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1, deadline = "15m")]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.goods(cx, &order).await?;
        Ok(())
    }

    #[flow(inner)]
    async fn goods(&self, cx: &FlowContext, order: &Order) -> Result<Hold, Unwind<Refused>> {
        Ok(self.reserve(cx, order).await?)
    }

    #[step(deadline = "1h")]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
