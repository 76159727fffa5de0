// Whichever of two signals comes first.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Offer;

#[saga(name = "offer")]
impl Offer {
    /// The money has come.
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    /// The customer has thought again.
    #[signal]
    const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let price = self.price(&order).await?;
        match cx.wait((Self::PAID, Self::WITHDRAWN)).forever().await {
            OneOf2::First(charge) => Ok(charge.0),
            OneOf2::Second(why) => Ok(price + why.len() as u64),
        }
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u64, Failure<Refused>> {
        Ok(order.lines.len() as u64)
    }
}
