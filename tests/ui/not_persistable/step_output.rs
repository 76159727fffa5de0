use saga_runtime::prelude::*;
use saga_tests::shop::*;

#[derive(serde::Serialize)]
struct Booking;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Booking, Failure<Refused>> {
        Ok(Booking)
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _order: &Order) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
