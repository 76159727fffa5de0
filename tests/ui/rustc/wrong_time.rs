use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[signal]
    const DECIDED: Signal<Self, bool> = Signal::new("decided");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        #[state("seconds")]
        cx.sleep(5).await;
        #[state("days")]
        cx.sleep(String::from("5d")).await;
        #[state("tomorrow")]
        cx.sleep_until("tomorrow").await;
        if let Ok(decided) = cx.wait(Self::DECIDED).within(2).await {
            let decided: String = decided;
            drop(decided);
        }
        #[state("late")]
        let late = cx.wait(Self::DECIDED).until(2).await;
        drop(late);
        self.price("a", 1).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(read_only)]
    async fn price(&self, line: &str, count: u64) -> Result<u64, Transient> {
        Ok(line.len() as u64 * count)
    }
}

fn main() {}
