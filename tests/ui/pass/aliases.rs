use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

type End = Result<(), Unwind<Refused>>;
type Answer<T> = Result<T, Failure<Refused>>;
type Late<T> = Result<T, Transient>;
type Undone = Result<(), Transient>;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> End {
        self.reserve(cx, &order).await?;
        self.charge(cx, &order).await?;
        self.ship(cx, &order).await?;
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Answer<Hold> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Undone {
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Answer<Hold> {
        Ok(Hold(1))
    }

    #[step(retriable)]
    async fn ship(&self, _cx: &StepContext, _order: &Order) -> Late<Hold> {
        Ok(Hold(1))
    }
}

fn main() {}
