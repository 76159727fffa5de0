use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1, deadline = "2m")]
impl Checkout {
    #[signal]
    const PAID: Signal<Self, Charge> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        cx.sleep("1m").await;
        self.reserve(cx, &order).await?;
        self.look(cx).await?;
        self.charge(cx).await?;
        // Past the pivot the deadline is told, and changes nothing.
        #[state("cooling_off")]
        cx.sleep("14d").await;
        self.notify(cx).await?;
        match cx.wait(Self::PAID).within("30d").await {
            Ok(charge) => Ok(charge.0),
            Err(Elapsed) => Ok(0),
        }
    }

    // Five times 20 s and 15 s between them.
    #[step(timeout = "20s", retry(initial = "1s", max = "1m", attempts = 5))]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve, within = "7d", retry(max = "1h"))]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    // How long an attempt may take, the policy says when the saga runs.
    #[step(read_only, policy = "catalogue", retry(attempts = 20))]
    async fn look(&self, _cx: &StepContext) -> Result<(), Failure<Refused>> {
        Ok(())
    }

    // While the pivot is under way, the deadline waits for its answer.
    #[step(pivot, retry(attempts = 100), attempts_then = "park")]
    async fn charge(&self, _cx: &StepContext) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }

    #[step(no_compensation = "a mail cannot be unsent", deadline = "1d", attempts_then = "park")]
    async fn notify(&self, _cx: &StepContext) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
