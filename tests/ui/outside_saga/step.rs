use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

impl Checkout {
    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }
}

fn main() {
    let _ = Checkout::reserve;
}
