use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let hold = self.reserve(cx, "a").await?;
        let undo = move || println!("undo {}", hold.0);
        self.reserve_more(cx).await.inspect_err(|_| undo())?;
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

    #[step(no_compensation = "x")]
    async fn reserve_more(&self, _cx: &StepContext) -> Result<(), Failure<Refused>> {
        Ok(())
    }

}

fn main() {}
