use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

struct Payment;

#[saga(name = "payment", version = 1)]
impl Payment {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        let charge = self.charge(cx, &order).await?;
        Ok(charge)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        let charge = cx.child::<Payment>(order).pivot().forever().await?;
        Ok(charge)
    }
}

fn main() {}
