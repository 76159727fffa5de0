use saga_runtime::prelude::*;
use saga_tests::shop::*;

macro_rules! saga {
    ($name:ident, $step:ident, $input:ty, $text:literal) => {
        pub struct $name;

        #[saga(name = $text)]
        impl $name {
            #[flow]
            async fn run(&self, cx: &FlowContext, order: $input) -> Result<(), Unwind<Refused>> {
                self.$step(cx, &order).await?;
                Ok(())
            }

            #[step]
            async fn $step(&self, _cx: &StepContext, _order: &$input) -> Result<Hold, Failure<Refused>> {
                Ok(Hold(1))
            }

            #[compensate($step)]
            async fn undo(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
                Ok(())
            }
        }
    };
}

saga!(Checkout, reserve, Order, "checkout");

fn main() {
    assert_eq!(Checkout::definition().steps[0].name, "reserve");
}
