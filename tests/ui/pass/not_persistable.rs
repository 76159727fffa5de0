use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[derive(serde::Serialize, serde::Deserialize)]
struct Seen(usize);


#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let seen = Seen(order.lines.len());
        self.reserve(cx, &order.lines[0]).await?;
        println!("{}", seen.0);
        Ok(())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(line.len() as u64))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Outcome<Hold>) -> Result<(), Transient> {
        Ok(())
    }
}

fn main() {}
