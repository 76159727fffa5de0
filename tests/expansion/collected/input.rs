// A loop over what is made for it, which is saved.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Collected;

#[saga(name = "collected")]
impl Collected {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let mut sum = 0;
        for (at, line) in order.lines.into_iter().enumerate() {
            let length = self.look(&line).await?;
            sum += length * at as u64;
        }
        Ok(sum)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
