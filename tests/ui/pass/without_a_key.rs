use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(&order).await?;
        Ok(())
    }

    #[step(idempotent = "it sets a flag")]
    async fn reserve(&self, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve, idempotent = "it clears a flag")]
    async fn release(&self, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
