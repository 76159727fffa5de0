use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        if self.look(&order).await? > 3 {
            cx.sleep("1h").await;
            return self.run(cx, order).await;
        }
        Ok(())
    }

    #[step(read_only)]
    async fn look(&self, order: &Order) -> Result<usize, Failure<Refused>> {
        Ok(order.lines.len())
    }
}

fn main() {}
