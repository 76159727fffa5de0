use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.price(cx, &order).await?;
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step(timeout = "2m", deadline = "1m", retry(attempts = 1, max = "5s"))]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(read_only, key_valid = "24h", idempotent = "it only reads", attempts_then = "park", retry())]
    async fn price(&self, _cx: &StepContext, _order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(1)
    }
}

fn main() {}
