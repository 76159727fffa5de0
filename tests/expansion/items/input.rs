// Blocks with items of their own, which every arm that they reach to sees.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct WithItems;

#[saga(name = "with_items")]
impl WithItems {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        const MOST: u64 = 9;
        fn half(n: u64) -> u64 {
            n / 2
        }
        {
            use std::cmp::min;
            let length = self.look(&order.lines[0]).await?;
            println!("{}", min(length, MOST));
        }
        #[state("again")]
        let length = self.look(&order.lines[0]).await?;
        Ok(half(length))
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
