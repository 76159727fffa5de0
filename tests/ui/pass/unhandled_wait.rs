use saga_runtime::prelude::*;
use saga_tests::shop::*;
use std::time::{Duration, SystemTime};

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[signal]
    const WITHDRAWN: Signal<Self, String> = Signal::new("withdrawn");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let nights = cx.child::<Nights>(order.clone()).within("1h").await?;
        let by = cx.now() + Duration::from_secs(60);
        #[state("by_then")]
        let other = cx.child::<Nights>(order).until(by).await?;
        let first = match cx.wait((Self::PAID, Self::WITHDRAWN)).until(SystemTime::now()).await {
            Ok(OneOf2::First(charge)) => charge.0,
            Ok(OneOf2::Second(_)) | Err(Elapsed) => 0,
        };
        let Ok(second) = cx.wait(Self::PAID).within(Duration::from_secs(60)).await else {
            return Ok(first);
        };
        #[state("at_last")]
        let last = cx.wait(Self::PAID).forever().await;
        Ok(first + second.0 + last.0 + nights.0 + other.0)
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
