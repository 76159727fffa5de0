// A saga over whatever can be asked for a price.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

trait Prices: Send + Sync + 'static {
    fn of(&self, line: &str) -> u64;
}

struct Priced<P> {
    prices: P,
}

#[saga(name = "priced")]
impl<P: Prices> Priced<P> {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order.lines[0]).await?;
        Ok(price)
    }

    #[step(read_only)]
    async fn price(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(self.prices.of(line))
    }
}
