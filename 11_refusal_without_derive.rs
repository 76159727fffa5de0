use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[derive(Debug)]
struct Declined;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Declined>> {
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Declined>> {
        if order.lines.is_empty() {
            return Err(Declined.into());
        }
        Ok(Charge(1))
    }

}

fn main() {}
