use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(policy = "payments")]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step(polcy = "payments", no_compensation = "it expires by itself")]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }
}

fn main() {}
