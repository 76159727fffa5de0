// A moment that is waited for.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Punctual;

#[saga(name = "punctual")]
impl Punctual {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let at = cx.now() + std::time::Duration::from_secs(60);
        cx.sleep_until(at).await;
        Ok(order.lines.len() as u64)
    }
}
