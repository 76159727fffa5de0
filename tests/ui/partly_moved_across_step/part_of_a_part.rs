use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<usize, Unwind<Refused>> {
        let pair = ((order, 1), String::from("a note"));
        let first = pair.0.0;
        self.notify(cx, &first).await?;
        Ok(pair.1.len())
    }

    #[step(no_compensation = "a mail cannot be unsent")]
    async fn notify(&self, _cx: &StepContext, order: &Order) -> Result<(), Failure<Refused>> {
        println!("{}", order.lines.len());
        Ok(())
    }
}

fn main() {}
