use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1, deadline = "1d")]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        cx.sleep("36h").await;
        cx.child::<Nights>(order).within("1d").await?;
        match cx.wait(Self::PAID).within("2d").await {
            Ok(charge) => Ok(charge.0),
            Err(Elapsed) => Err(Refused::OutOfStock.into()),
        }
    }
}

struct Nights;

#[saga(name = "nights", version = 1)]
impl Nights {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Hold, Unwind<Refused>> {
        Ok(self.look(cx, &order).await?)
    }

    #[step(read_only)]
    async fn look(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }
}

fn main() {}
