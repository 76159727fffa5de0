// A signal, or the end of the time for it.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Approval;

#[saga(name = "approval")]
impl Approval {
    /// The money has come.
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        match cx.wait(Self::PAID).within("2d").await {
            Ok(charge) => Ok(charge.0),
            Err(Elapsed) => Ok(price),
        }
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }
}
