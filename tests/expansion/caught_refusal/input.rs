// A refusal that the flow answers by another step.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct SecondBest;

#[saga(name = "second_best")]
impl SecondBest {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        match self.reserve(cx, "the window seat").await {
            Ok(hold) => Ok(hold.0),
            Err(Failure::Refused(Refused::OutOfStock)) => Ok(self.price(&order).await?),
            Err(other) => Err(other.into()),
        }
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, hold: Outcome<Hold>) -> Result<(), Transient> {
        println!("{:?}: {hold:?}", cx.undoes());
        Ok(())
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }
}
