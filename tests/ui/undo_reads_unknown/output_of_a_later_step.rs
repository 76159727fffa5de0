use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.charge(cx).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>, paid: &Charge) -> Result<(), Transient> {
        println!("{}", paid.0);
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }
}

fn main() {}
