use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        cx.wait(Self::PAID).await;
        cx.child::<Self>(order).pivot().await;
        Ok(())
    }
}

fn main() {}
