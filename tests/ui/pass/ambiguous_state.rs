use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let first = match order.lines.len() {
            0 => return Ok(()),
            1 => self.reserve(cx, "only").await?,
            _ => #[state("first_of_many")]
            self.reserve(cx, "first").await?,
        };
        #[state("last")]
        self.reserve(cx, "last").await?;
        let count = order.lines.len();
        let count = count + 1;
        println!("{first:?} {count}");
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
