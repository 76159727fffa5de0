// A loop over what is borrowed, which collects.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct RoundTrip;

#[saga(name = "round_trip")]
impl RoundTrip {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let mut seen = Vec::new();
        for line in &order.lines {
            let length = self.look(line).await?;
            seen.push(length);
        }
        Ok(seen.iter().sum())
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
