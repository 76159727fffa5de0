use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        join!(self.notify(cx, &order)).await?;
        Ok(())
    }

    #[step(no_compensation = "a mail cannot be unsent")]
    async fn notify(&self, _cx: &StepContext, order: &Order) -> Result<(), Failure<Refused>> {
        println!("{}", order.lines.len());
        Ok(())
    }
}

fn main() {}
