// Two steps at the same time.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct SideBySide;

#[saga(name = "side_by_side")]
impl SideBySide {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let (price, seen) = join!(self.price(&order), self.look("a discount")).await?;
        Ok(price + seen)
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
