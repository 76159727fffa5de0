use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.price(&order).await?;
        self.reserve(cx, &order).await?;
        self.charge(cx, &order).await?;
        self.ship(cx, &order).await?;
        Ok(())
    }

    #[step(read_only, policy = "prices", timeout = "500ms", retry(attempts = 3))]
    async fn price(&self, _order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(1)
    }

    #[step(name = "hold.goods", timeout = "2s", deadline = "10m", key_valid = "7d", retry(initial = "50ms", max = "5s", attempts = 6, jitter = false), attempts_then = "park")]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve, policy = "inventory", timeout = "1m", retry(max = "1h"), within = "7d")]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(pivot, retry(attempts = 6), attempts_then = "park")]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[step(retriable, policy = "shipping", attempts_then = "park")]
    async fn ship(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Transient> {
        Ok(Hold(1))
    }
}

fn main() {}
