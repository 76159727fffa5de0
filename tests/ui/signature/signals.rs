use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PAID: u64 = 1;

    #[signal]
    const SHIPPED: Signal<Self, ()> = Self::named();

    #[signal]
    fn named<T>() -> Signal<Self, T> {
        Signal::new("named")
    }

    #[flow]
    async fn run(&self, cx: &FlowContext, _order: Order) -> Result<(), Unwind<Refused>> {
        cx.sleep("1d").await;
        Ok(())
    }
}

fn main() {}
