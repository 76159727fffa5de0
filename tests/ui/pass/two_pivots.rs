use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        // Another card after a clean refusal is not a second point of no return.
        let charge = match self.charge(cx, &order).await {
            Ok(charge) => charge,
            Err(_) => self.debit(cx).await?,
        };
        for _ in 0..3 {
            self.ship(cx).await?;
        }
        Ok(charge)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(pivot)]
    async fn debit(&self, _cx: &StepContext) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext) -> Result<Parcel, Transient> {
        Ok(Parcel(1))
    }
}

fn main() {}
