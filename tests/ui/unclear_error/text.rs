use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        Ok(self.charge(cx, &order.lines[0]).await?)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, card: &str) -> Result<Charge, Failure<Refused>> {
        if card.is_empty() {
            return Err("there is no card".to_owned().into());
        }
        Ok(Charge(1))
    }
}

fn main() {}
