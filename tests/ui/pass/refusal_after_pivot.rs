use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

type Answer = Result<u64, Transient>;


#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        if self.price().await? > 10 {
            return Err(Refused::OutOfStock.into());
        }
        let charge = match self.charge(cx, &order).await {
            Ok(charge) => charge,
            Err(refused) => return Err(refused.into()),
        };
        self.audit().await?;
        let half = order.lines.iter().map(|line| line.parse::<u64>()).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        println!("{charge:?} {half:?}");
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }

    #[step(read_only)]
    async fn price(&self) -> Result<u64, Failure<Refused>> {
        Ok(1)
    }

    #[step(read_only)]
    async fn audit(&self) -> Answer {
        Ok(1)
    }
}

fn main() {}
