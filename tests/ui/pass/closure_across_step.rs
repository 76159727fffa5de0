use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let longest = |lines: &[String]| lines.iter().map(String::len).max();
        let before = longest(&order.lines);
        let lengths = order.lines.iter().map(String::len);
        let all: usize = lengths.sum();
        let first = order.lines.first().map(|line| line.len());
        let charge = self.charge(cx, &order).await?;
        // Written again after the step, and made of what was saved.
        let longest = |lines: &[String]| lines.iter().map(String::len).max();
        assert_eq!(longest(&order.lines), before);
        Ok(charge.0 + all as u64 + first.unwrap_or_default() as u64)
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, order: &Order) -> Result<Charge, Failure<Refused>> {
        Ok(Charge(order.lines.len() as u64))
    }
}

fn main() {}
