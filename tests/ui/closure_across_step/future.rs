use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let later = async { 7 };
        let charge = self.charge(cx, &order).await?;
        drop(later);
        Ok(charge.0)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
