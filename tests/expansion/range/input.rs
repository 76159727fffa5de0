// A loop over numbers.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Counted;

#[saga(name = "counted")]
impl Counted {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let mut sum = 0;
        for turn in 1..=3_usize {
            sum += self.look(&order.lines[turn]).await?;
        }
        Ok(sum)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
