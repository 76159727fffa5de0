use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let with_tax = |net: u64| net + net / 5;
        let charge = self.charge(cx, &order).await?;
        Ok(with_tax(charge.0))
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
