// Steps within conditions, of which the second is asked only where the first says yes.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Curious;

#[saga(name = "curious")]
impl Curious {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        if order.lines.len() > 1 && self.look(&order.lines[0]).await? > 3 {
            return Ok(1);
        }
        if let Some(last) = order.lines.last()
            && let Ok(length) = {
                #[state("the_last")]
                self.look(last).await
            }
        {
            return Ok(length);
        }
        Ok(0)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
