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
        for line in &order.lines {
            self.third(cx, line).await?;
        }
        Ok(())
    }

    // Each calls the next one, and none of them itself.
    #[flow(inner)]
    async fn third(&self, cx: &FlowContext, line: &str) -> Result<(), Unwind<Refused>> {
        if line.is_empty() {
            cx.sleep("1s").await;
        }
        Ok(())
    }
}

fn main() {}
