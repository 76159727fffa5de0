use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.charge(cx, &order).await?;
        if let Err(error) = self.reserve(cx, "a").await {
            println!("{error:?}");
        }
        Ok(())
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}", cx.key());
        Ok(Hold(line.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

}

fn main() {}
