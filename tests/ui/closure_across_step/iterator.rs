use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let mut lines = order.lines.iter().map(String::len).filter(|length| *length > 0);
        let charge = self.charge(cx).await?;
        Ok(charge.0 + lines.next().unwrap_or_default() as u64)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }
}

fn main() {}
