// A loop with a condition.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Thrifty;

#[saga(name = "thrifty")]
impl Thrifty {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let mut lines = order.lines;
        let mut spent = 0;
        while let Some(line) = lines.pop() {
            spent += self.look(&line).await?;
            if spent > 100 {
                break;
            }
        }
        Ok(spent)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
