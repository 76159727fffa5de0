use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

impl Default for Checkout {
    fn default() -> Self {
        Self
    }
}

#[saga(name = "checkout")]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.charge(cx, &order).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }
}

// A second block of the same type is nobody's business.
impl Checkout {
    fn lines(order: &Order) -> usize {
        order.lines.len()
    }
}

fn main() {
    let _ = Checkout::default();
    assert_eq!(Checkout::lines(&Order::default()), 0);
}
