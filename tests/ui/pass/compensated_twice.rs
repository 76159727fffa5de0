use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.hold_more(cx).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    // A step of its own has a compensation of its own.
    #[step]
    async fn hold_more(&self, _cx: &StepContext) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(2))
    }

    #[compensate(hold_more)]
    async fn let_go(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
