use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        for line in &order.lines {
            self.reserve(cx, line).await?;
        }
        #[cfg(debug_assertions)]
        {
            #[state("one_more")]
            self.reserve(cx, "one more").await?;
        }
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
}

fn main() {}
