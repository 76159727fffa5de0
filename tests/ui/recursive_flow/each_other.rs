use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.first(cx, &order).await
    }

    #[flow(inner)]
    async fn first(&self, cx: &FlowContext, order: &Order) -> Result<(), Unwind<Refused>> {
        self.second(cx, order).await
    }

    #[flow(inner)]
    async fn second(&self, cx: &FlowContext, order: &Order) -> Result<(), Unwind<Refused>> {
        if order.lines.is_empty() {
            return Ok(());
        }
        self.first(cx, order).await
    }
}

fn main() {}
