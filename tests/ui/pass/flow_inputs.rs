use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

/// One value, stored under one type.
#[derive(serde::Serialize, serde::Deserialize)]
struct Basket {
    order: Order,
    hold: Hold,
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, basket: Basket) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &basket.order).await?;
        println!("{}", basket.hold.0);
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
