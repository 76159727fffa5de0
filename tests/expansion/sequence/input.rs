// Two steps, one after the other; what the second does not need is not saved.

use saga_runtime::prelude::*;
use saga_tests::shop::{Order, Refused};

struct Checkout;

#[saga(name = "checkout")]
impl Checkout {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        let seen = self.look(&price.to_string()).await?;
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
