// A night, which costs nothing.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Overnight;

#[saga(name = "overnight")]
impl Overnight {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        cx.sleep("1d").await;
        Ok(price)
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }
}
