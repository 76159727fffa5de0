// Calls within an expression, in the order in which they are evaluated.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Nested;

#[saga(name = "nested")]
impl Nested {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        Ok(self.look(&order.lines[0]).await? + {
            #[state("second")]
            self.look(&order.lines[1]).await?
        })
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
