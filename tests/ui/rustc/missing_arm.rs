use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        match self.reserve(cx, &order).await {
            Ok(hold) => drop(hold),
            Err(Failure::Refused(Refused::OutOfStock)) => return Ok(()),
        }
        match order.lines.len() {
            0 => return Ok(()),
            1 => {
                #[state("one")]
                self.price("a", 1).await?;
            }
        }
        #[state("all")]
        let Ok(_) = self.price("b", 1).await;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(read_only)]
    async fn price(&self, line: &str, count: u64) -> Result<u64, Transient> {
        Ok(line.len() as u64 * count)
    }
}

fn main() {}
