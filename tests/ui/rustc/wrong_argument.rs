use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let tax = 19;
        self.reserve(cx, order.clone()).await?;
        #[state("name")]
        self.price(7, 2).await?;
        #[state("both")]
        self.price(Some("a"), "2").await?;
        #[state("few")]
        self.price("a").await?;
        #[state("many")]
        self.price("a", 1, tax).await?;
        #[state("side-by-side")]
        join!(self.price("a", ()), self.price("b", 2)).await?;
        cx.join_all(&order.lines, 3, |line| self.price(line, line)).await?;
        self.pack(cx, Hold(1)).await?;
        Ok(())
    }

    #[flow(inner)]
    async fn pack(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        #[state("again")]
        self.price(&order, 1).await?;
        for line in order.lines.iter() {
            #[state("line")]
            self.price(line, line.len()).await?;
        }
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
