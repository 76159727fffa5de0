use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        if let Err(failure) = self.pay(cx, &order).await {
            self.release(cx).await.ok();
            return Err(failure.into());
        }
        Ok(())
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, order: &Order) -> Result<(), Failure<Refused>> {
        println!("{} {order:?}", cx.key());
        Ok(())
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        println!("{}", cx.key());
        Ok(())
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, order: &Order) -> Result<(), Failure<Refused>> {
        println!("{} {order:?}", cx.key());
        Ok(())
    }
}

fn main() {}
