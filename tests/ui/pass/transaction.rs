use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

type Held = Hold;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &order).await?;
        self.pack(cx, &order).await?;
        self.note(cx, 7).await?;
        self.charge(cx, &order).await?;
        self.ship(cx, &order).await?;
        Ok(())
    }

    // No key is asked for, and its compensation takes the output as it is.
    #[step(transaction, timeout = "500ms", retry(initial = "5ms", max = "1s"))]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve, timeout = "500ms")]
    async fn release(&self, _cx: &StepContext, _order: &Order, _hold: Hold) -> Result<(), Transient> {
        Ok(())
    }

    // Or as an outcome.
    #[step(transaction)]
    async fn pack(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Transient> {
        Ok(Hold(1))
    }

    #[compensate(pack)]
    async fn unpack(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    // By another name of its type.
    #[step(transaction)]
    async fn note(&self, _cx: &StepContext, _day: u64) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(note)]
    async fn strike(&self, _cx: &StepContext, _day: u64, _noted: Held) -> Result<(), Transient> {
        Ok(())
    }

    #[step(pivot, transaction)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }

    #[step(retriable, transaction)]
    async fn ship(&self, _cx: &StepContext, _order: &Order) -> Result<Parcel, Transient> {
        Ok(Parcel(1))
    }
}

fn main() {
    assert!(Checkout::definition().steps.iter().all(|step| step.transactional));
}
