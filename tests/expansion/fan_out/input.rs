// A step for each line, so many at a time.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct AllAtOnce;

#[saga(name = "all_at_once")]
impl AllAtOnce {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let seen = cx.join_all(&order.lines, 8, |line| self.look(line)).await?;
        Ok(seen.iter().sum())
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
