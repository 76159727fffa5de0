use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PACKED: Signal<Self, ()> = Signal::new("packed");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.charge(cx, &order).await?;
        cx.wait(Self::PACKED).within("2d").await.map_err(|_| Refused::OutOfStock)?;
        self.hold(cx, &order).await?;
        cx.child::<Self>(order).forever().await?;
        Ok(())
    }

    #[flow(inner)]
    async fn hold(&self, cx: &FlowContext, order: &Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order.lines[0]).await?;
        Ok(())
    }

    #[step(no_compensation = "it is free")]
    async fn reserve(&self, _cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(line.len() as u64))
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
