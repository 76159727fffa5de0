use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Parcels;

#[saga(name = "parcels", version = 1)]
impl Parcels {
    #[signal]
    const LOST: Signal<Self, bool> = Signal::new("lost");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<usize, Unwind<Refused>> {
        let lost = cx.wait(Self::LOST).forever().await;
        Ok(if lost { 0 } else { order.lines.len() })
    }
}

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.price("a", 1).await?;
        cx.child::<Parcels>(&order).forever().await?;
        #[state("soon")]
        let sent: Parcel = cx.child::<Parcels>(order.clone()).within(60).await?;
        #[state("started")]
        let id = cx.launch::<Parcels>(sent).await;
        cx.send(id.len(), Parcels::LOST, true).await.ok();
        #[state("told")]
        cx.send("parcels-1", Parcels::LOST, "yes").await.ok();
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(read_only)]
    async fn price(&self, line: &str, count: u64) -> Result<u64, Transient> {
        Ok(line.len() as u64 * count)
    }
}

fn main() {}
