use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order.lines[0]).await?;
        Ok(())
    }

    #[step(retries = 5, backoff = "exponential")]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}", cx.key());
        Ok(Hold(line.len() as u64))
    }

    #[compensate(reserve, max_retries = 3)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

}

fn main() {}
