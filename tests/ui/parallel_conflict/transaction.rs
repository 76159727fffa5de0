use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        join!(self.price(&order), self.reserve(cx, &order)).await?;
        cx.join_all(&order.lines, 4, |line| self.by_line(cx, line)).await?;
        Ok(())
    }

    #[flow(inner)]
    async fn by_line(&self, cx: &FlowContext, line: &str) -> Result<u64, Unwind<Refused>> {
        let order = Order { lines: vec![line.to_owned()] };
        let hold = self.reserve(cx, &order).await?;
        Ok(hold.0)
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(transaction)]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Hold) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
