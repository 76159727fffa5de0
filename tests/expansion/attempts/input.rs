// What steps say of their attempts, and what the flow does when there are no more of them.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Lookup;

#[saga(name = "lookup")]
impl Lookup {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let checked = self.check(&order.lines[0]).await?;
        match self.room(cx, &order.lines[0]).await {
            Ok(hold) => Ok(checked + hold.0),
            Err(Failure::Exhausted(_)) => Ok(self.tent(cx, &order.lines[0]).await?.0),
            Err(other) => Err(other.into()),
        }
    }

    #[step(timeout = "2s", deadline = "1m", key_valid = "24h", retry(initial = "50ms", max = "5s", attempts = 6))]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {city}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(room, within = "7d", policy = "hotels")]
    async fn cancel_room(&self, cx: &StepContext, room: Outcome<Hold>, city: &str) -> Result<(), Transient> {
        println!("{:?}: {room:?} in {city}", cx.undoes());
        Ok(())
    }

    #[step(no_compensation = "a tent that is not slept in costs nothing", policy = "camps")]
    async fn tent(&self, cx: &StepContext, city: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {city}", cx.key());
        Ok(Hold(2))
    }

    #[step(read_only, retry(attempts = 3, jitter = false), attempts_then = "park")]
    async fn check(&self, city: &str) -> Result<u64, Failure<Refused>> {
        Ok(city.len() as u64)
    }
}
