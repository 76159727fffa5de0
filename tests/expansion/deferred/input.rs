// A local that is given its value later, in one way or another.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Deferred;

#[saga(name = "deferred")]
impl Deferred {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let seen;
        if order.lines.is_empty() {
            seen = 0;
        } else {
            seen = self.look(&order.lines[0]).await?;
        }
        Ok(seen)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
