use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1, deadline = "30 days")]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("pa/id");

    #[flow]
    async fn run(&self, cx: &FlowContext, _order: Order) -> Result<(), Unwind<Refused>> {
        cx.sleep("1 day").await;
        let _ = cx.wait(Self::PAID).within("2w").await;
        Ok(())
    }
}

fn main() {}
