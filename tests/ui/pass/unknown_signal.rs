use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");
    #[signal]
    const CANCELLED: Signal<Self, ()> = Signal::new("cancelled");

    #[flow]
    async fn run(&self, cx: &FlowContext, _order: Order) -> Result<(), Unwind<Refused>> {
        let paid = cx.wait((Self::PAID, Self::CANCELLED)).forever().await;
        drop(paid);
        Ok(())
    }
}

fn main() {}
