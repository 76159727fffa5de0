// A reservation that can be undone, the point of no return, and what can only be late.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Purchase;

#[saga(name = "purchase")]
impl Purchase {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let hold = self.reserve(cx, &order.lines[0]).await?;
        let charge = self.charge(cx, hold.0).await?;
        let parcel = self.ship(cx, &charge).await?;
        Ok(parcel.0)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, hold: Outcome<Hold>) -> Result<(), Transient> {
        println!("{:?}: {hold:?}", cx.undoes());
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, amount: u64) -> Result<Charge, Failure<Refused>> {
        println!("{}: {amount}", cx.key());
        Ok(Charge(amount))
    }

    #[step(retriable)]
    async fn ship(&self, cx: &StepContext, charge: &Charge) -> Result<Parcel, Transient> {
        println!("{}: {charge:?}", cx.key());
        Ok(Parcel(1))
    }
}
