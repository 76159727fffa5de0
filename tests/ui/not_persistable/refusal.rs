use saga_runtime::prelude::*;
use saga_tests::shop::*;

enum No {
    Never,
}

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<No>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<No>> {
        Err(Failure::Refused(No::Never))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
