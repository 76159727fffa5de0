use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

fn parse(card: &str) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    Ok(card.parse()?)
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        Ok(self.charge(cx, &order.lines[0]).await?)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, card: &str) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(parse(card)?))
    }
}

fn main() {}
