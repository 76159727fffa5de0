// Two locals of one name, of which each is needed where the other is seen.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Shadowing;

#[saga(name = "shadowing")]
impl Shadowing {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let line = order.lines.last().cloned();
        if let Some(line) = &line {
            self.look(line).await?;
        }
        println!("{line:?}");
        Ok(0)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
