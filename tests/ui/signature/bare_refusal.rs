use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Refused> {
        let hold = self.reserve(cx, &order).await?;
        self.rest(cx, &hold).await?;
        Ok(hold.0)
    }

    #[flow(inner)]
    async fn rest(&self, cx: &FlowContext, hold: &Hold) -> Result<(), Refused> {
        self.check(cx, hold).await?;
        Ok(())
    }

    #[step(read_only)]
    async fn check(&self, _cx: &StepContext, _hold: &Hold) -> Result<(), Failure<Refused>> {
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
}

fn main() {}
