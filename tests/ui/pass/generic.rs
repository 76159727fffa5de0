use saga_runtime::prelude::*;
use saga_tests::shop::*;

trait Payments: Send + Sync + 'static {
    fn pay(&self, key: &str) -> impl Future<Output = u64> + Send;
}

struct Fake;

impl Payments for Fake {
    async fn pay(&self, key: &str) -> u64 {
        key.len() as u64
    }
}

struct Checkout<P> {
    payments: P,
}

#[saga(name = "checkout")]
impl<P> Checkout<P>
where
    P: Payments,
{
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Charge, Unwind<Refused>> {
        let charge = self.charge(cx, &order).await?;
        Ok(charge)
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, _order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(self.payments.pay(cx.key()).await))
    }
}

fn main() {
    let _ = Checkout { payments: Fake };
    assert_eq!(Checkout::<Fake>::definition().name, "checkout");
}
