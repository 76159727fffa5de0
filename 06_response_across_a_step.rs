use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

struct Response(u16);

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let response = self.fetch(cx).await?;
        self.reserve(cx, "a").await?;
        println!("{} {:?}", response.0, order);
        Ok(())
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}", cx.key());
        Ok(Hold(line.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }

    #[step(read_only)]
    async fn fetch(&self, _cx: &StepContext) -> Result<Response, Failure<Refused>> {
        Ok(Response(200))
    }

}

fn main() {}
