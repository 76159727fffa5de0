// A part of the flow that is undone as a whole before its caller is told.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Journey;

#[saga(name = "journey")]
impl Journey {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        match self.by_train(cx, &order.lines).await {
            Ok(tickets) => Ok(tickets),
            Err(Unwind::Refused(_)) => {
                #[state("a_plane")]
                let hold = self.reserve(cx, "a plane").await?;
                Ok(hold.0)
            }
            Err(other) => Err(other),
        }
    }

    #[flow(inner)]
    async fn by_train(&self, cx: &FlowContext, cities: &[String]) -> Result<u64, Unwind<Refused>> {
        let mut tickets = 0;
        for city in cities {
            tickets += self.reserve(cx, city).await?.0;
        }
        Ok(tickets)
    }

    #[step]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        println!("{:?}", cx.undoes());
        Ok(())
    }
}
