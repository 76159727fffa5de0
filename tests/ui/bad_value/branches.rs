use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        #[state("leg")]
        let holds = cx.join_all(&order.lines, 2, |line| self.reserve(cx, line)).await?;
        drop(holds);
        #[state("leg.1")]
        let hold = self.reserve(cx, "a").await?;
        drop(hold);
        self.look(cx).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(line.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(name = "look.2", read_only)]
    async fn look(&self, _cx: &StepContext) -> Result<(), Failure<Refused>> {
        Ok(())
    }
}

fn main() {}
