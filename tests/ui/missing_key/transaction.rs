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

    #[step(transaction)]
    async fn reserve(&self, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _hold: Hold) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
