use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

/// As in `tokio` and `futures`.
macro_rules! join {
    ($($future:expr),*) => {
        ($($future.await),*)
    };
}


#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        println!("{order:?}");
        join!(self.reserve(cx, "a"), self.reserve(cx, "b"));
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
