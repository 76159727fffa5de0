// What an instance is found by.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Labelled;

#[saga(name = "labelled")]
impl Labelled {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        cx.set_label("lines", order.lines.len().to_string());
        let price = self.price(&order).await?;
        cx.set_label("price", price.to_string());
        Ok(price)
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }
}
