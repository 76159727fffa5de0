use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        drop(order);
        self.reserve(cx, &order).await?;
        let hold = Hold(1);
        self.price("a", 2).await?;
        drop(hold);
        println!("{hold:?}");
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
