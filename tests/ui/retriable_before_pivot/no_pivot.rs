use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        println!("{order:?}");
        self.ship(cx).await?;
        Ok(())
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext) -> Result<Parcel, Transient> {
        Ok(Parcel(1))
    }
}

fn main() {}
