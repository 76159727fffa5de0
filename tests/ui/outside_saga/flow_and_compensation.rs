use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

impl Checkout {
    #[flow]
    async fn run(&self, _cx: &FlowContext, _order: Order) -> Result<(), Unwind<Refused>> {
        Ok(())
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {
    let _ = (Checkout::run, Checkout::release);
}
