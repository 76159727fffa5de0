use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let count: String = self.price("a", 2).await?;
        #[state("compared")]
        if self.price(&count, 2).await? == "two" {
            return Ok(());
        }
        #[state("matched")]
        match self.price(&count, 2).await {
            Some(price) => drop(price),
            _ => {}
        }
        #[state("held")]
        let (hold, rest) = self.reserve(cx, &order).await?;
        #[state("side-by-side")]
        let (first, second): (Hold, u64) = join!(self.price("a", 1), self.reserve(cx, &order)).await?;
        drop((hold, rest, first, second));
        #[state("asked")]
        self.price("b", 2).await?.amount();
        #[state("last")]
        self.price("b", 2).await?
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
