use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step(retries = 5, backoff = "exponential", retryable, undo = "release")]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(step = "reserve", max_retries = 3)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
