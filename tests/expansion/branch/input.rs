// A step on one way of two, and what follows both.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Discount;

#[saga(name = "discount")]
impl Discount {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        let extra = if price > 3 { self.look("a discount").await? } else { 0 };
        Ok(price - extra)
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
