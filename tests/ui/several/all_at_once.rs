use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "check out", versoin = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Parcel, Unwind<Refused>> {
        let with_tax = |net: u64| net + net / 5;
        let hold = self.reserve(cx, &order).await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        println!("{} {}", with_tax(hold.0), cx.attempt());
        let charge = self.charge(cx, &order).await?;
        self.notify(cx).await?;
        let parcel = self.ship(cx, &charge).await?;
        Ok(parcel)
    }

    #[step(timeout = "2 s")]
    async fn reserve(&self, _cx: &StepContext, order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(order.lines.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, hold: Hold) -> Result<(), Failure<Refused>> {
        let _ = self.charge(cx, &Order::default()).await;
        drop(hold);
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(1))
    }

    #[step]
    async fn notify(&self, _cx: &StepContext) -> Result<(), Failure<Refused>> {
        Ok(())
    }

    #[step(retriable, retry(attempts = 3))]
    async fn ship(&self, _charge: &Charge) -> Result<Parcel, Failure<Refused>> {
        Ok(Parcel(1))
    }

    #[step(read_only)]
    async fn price(&self, order: &mut Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
