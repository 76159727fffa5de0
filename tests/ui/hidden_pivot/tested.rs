use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        if self.charge(cx, &order).await.is_ok() {
            self.ship(cx).await?;
        }
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext) -> Result<Parcel, Transient> {
        Ok(Parcel(1))
    }
}

fn main() {}
