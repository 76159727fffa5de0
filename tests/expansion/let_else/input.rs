// A pattern that has to match, on the answer of a step.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Insistent;

#[saga(name = "insistent")]
impl Insistent {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let Ok(hold) = self.reserve(cx, &order.lines[0]).await else {
            return Ok(0);
        };
        Ok(hold.0)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        println!("{:?}", cx.undoes());
        Ok(())
    }
}
