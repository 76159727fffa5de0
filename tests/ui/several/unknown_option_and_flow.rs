use saga_runtime::prelude::*;
use saga_tests::shop::*;
use std::time::Duration;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.pay(cx, &order).await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.announce(cx).await?;
        Ok(())
    }

    #[step(pivot, retries = 5)]
    async fn pay(&self, cx: &StepContext, order: &Order) -> Result<(), Failure<Refused>> {
        println!("{} {order:?}", cx.key());
        Ok(())
    }

    #[step(timeot = "3s")]
    async fn announce(&self, cx: &StepContext) -> Result<(), Failure<Refused>> {
        println!("{}", cx.key());
        Ok(())
    }
}

fn main() {}
