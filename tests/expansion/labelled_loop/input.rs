// Loops with labels, of which the outer one has a value.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Searching;

#[saga(name = "searching")]
impl Searching {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let found = 'search: loop {
            for line in &order.lines {
                let length = self.look(line).await?;
                if length > 3 {
                    break 'search length;
                }
                if length == 0 {
                    continue 'search;
                }
            }
            break 0;
        };
        Ok(found)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
