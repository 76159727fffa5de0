use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let quote = self.quote(cx).await?;
        // What its undo needs, the step is called with.
        self.reserve(cx, &order, &quote).await?;
        Ok(())
    }

    #[step(read_only)]
    async fn quote(&self, _cx: &StepContext) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, order: &Order, quote: &Charge) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64 + quote.0))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>, quote: &Charge) -> Result<(), Transient> {
        println!("{}", quote.0);
        Ok(())
    }
}

fn main() {}
