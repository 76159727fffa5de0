use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<String, Unwind<Refused>> {
        let id = cx.run(|| order.lines.len().to_string()).await?;
        self.pay(cx, &id).await?;
        Ok(id)
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, id: &str) -> Result<(), Failure<Refused>> {
        println!("{} {id}", cx.key());
        Ok(())
    }
}

fn main() {}
