use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.notify(cx, "x", &order.lines, None, 3).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _order: Order, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step]
    async fn notify(
        &self,
        _cx: &StepContext,
        _name: &str,
        _lines: &[String],
        _order: Option<&Order>,
        _count: u32,
    ) -> Result<(), Transient> {
        Ok(())
    }

    #[compensate(notify)]
    async fn take_back(
        &self,
        _cx: &StepContext,
        _count: u32,
        _name: String,
        _lines: Vec<String>,
        _order: Option<&Order>,
        _done: Outcome<()>,
    ) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
