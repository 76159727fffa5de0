use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let rate = tokio::runtime::Handle::current().block_on(rate());
        println!("{rate}");
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

async fn rate() -> u64 {
    7
}

fn main() {}
