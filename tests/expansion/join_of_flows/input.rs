// Inner flows at the same time: each is undone by itself.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Travel;

#[saga(name = "travel")]
impl Travel {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let (seat, room) = join!(self.seat(cx, &order.lines), self.reserve(cx, "a room")).await?;
        Ok(seat + room.0)
    }

    #[flow(inner)]
    async fn seat(&self, cx: &FlowContext, lines: &[String]) -> Result<u64, Unwind<Refused>> {
        let hold = self.reserve(cx, &lines[0]).await?;
        cx.sleep("10m").await;
        Ok(hold.0)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        println!("{:?}", cx.undoes());
        Ok(())
    }
}
