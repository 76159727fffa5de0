use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Box<dyn std::error::Error>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, String> {
        Ok(Hold(1))
    }

}

fn main() {}
