// Another saga that goes its own way, and a message to an instance that is known by its id.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Outgoing;

#[saga(name = "outgoing")]
impl Outgoing {
    /// The money has come.
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let survey = cx.launch::<Self>(order).await;
        match cx.send(&survey, Self::PAID, Charge(1)).await {
            Ok(()) => Ok(1),
            Err(_) => Ok(0),
        }
    }
}
