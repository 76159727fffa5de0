// A part of the flow that is called like a step.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct InParts;

#[saga(name = "in_parts")]
impl InParts {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let both = self.both(cx, &order.lines).await?;
        Ok(both)
    }

    #[flow(inner)]
    async fn both(&self, _cx: &FlowContext, lines: &[String]) -> Result<u64, Unwind<Refused>> {
        let one = self.look(&lines[0]).await?;
        #[state("the_other")]
        let other = self.look(&lines[1]).await?;
        Ok(one + other)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
