use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, _order: &Order) -> Result<(), Transient> {
        self.tell_the_warehouse(cx.key(), _order).await
    }

    // A plain method may be called from anywhere.
    async fn tell_the_warehouse(&self, key: &str, order: &Order) -> Result<(), Transient> {
        println!("{key}: {} lines", order.lines.len());
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }
}

fn main() {}
