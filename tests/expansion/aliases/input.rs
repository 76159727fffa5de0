// Return types behind aliases: what they are is asked by type.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

type Flowing<T> = Result<T, Unwind<Refused>>;
type Stepping<T> = Result<T, Failure<Refused>>;
type Undoing = Result<(), Transient>;

struct Aliased;

#[saga(name = "aliased")]
impl Aliased {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Flowing<u64> {
        let hold = self.reserve(cx, &order.lines[0]).await?;
        self.part(cx, hold).await
    }

    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, hold: Hold) -> Flowing<u64> {
        cx.sleep("1m").await;
        Ok(hold.0)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Stepping<Hold> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext) -> Undoing {
        println!("{:?}", cx.undoes());
        Ok(())
    }
}
