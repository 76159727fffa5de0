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

    #[step(read_only, transaction)]
    async fn price(&self, _cx: &StepContext, _order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(1)
    }

    #[step(transaction, key_valid = "24h", idempotent = "it is a transaction")]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve, transaction, idempotent = "so is this")]
    async fn release(&self, _cx: &StepContext, _hold: Hold) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
