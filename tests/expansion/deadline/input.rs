// How long an instance may take, and what a step says of its own time.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Patient;

#[saga(name = "patient", version = 2, deadline = "30d")]
impl Patient {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let seen = self.look(&order.lines[0]).await?;
        Ok(seen)
    }

    #[step(read_only, timeout = "2s", deadline = "1m", retry(initial = "50ms", max = "5s", attempts = 6))]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
