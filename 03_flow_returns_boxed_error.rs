use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Box<dyn std::error::Error>> {
        self.reserve(cx, "a").await?;
        println!("{order:?}");
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

}

fn main() {}
