use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, _order: Order) -> Result<(), Unwind<Refused>> {
        cx.sleep("1d").await;
        cx.wait(Self::PAID).forever().await;
        cx.sleep("2d").await;
        cx.wait(Self::PAID).forever().await;
        Ok(())
    }
}

fn main() {}
