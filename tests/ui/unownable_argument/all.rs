use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &mut order.clone(), "a", "b", "c".into(), &order.lines).await?;
        Ok(())
    }

    #[step]
    async fn reserve(
        &self,
        _cx: &StepContext,
        _order: &mut Order,
        _name: impl Into<String>,
        _label: &'static str,
        _text: std::borrow::Cow<'_, str>,
        _lines: &dyn std::any::Any,
    ) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
