use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

struct Pair {
    first: String,
    count: u64,
}


#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let order = &Pair { first: order.lines[0].clone(), count: 1 };
        let count = order.count;
        self.reserve(cx, "a").await?;
        println!("{} {count}", order.first);
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
