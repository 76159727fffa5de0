use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        Ok(())
    }

    #[step(timeout = "soon")]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[step(pivot)]
    async fn charge(&mut self, _cx: &StepContext, _order: &Order) -> Option<Charge> {
        None
    }

    /// What uses the saga elsewhere still compiles.
    pub fn describe() -> &'static str {
        let _: fn(&Self, Order) = |_, _| ();
        Self::definition().name
    }
}

fn main() {}
