// Another saga whose completion is the point of no return, and one after that.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Holiday;

#[saga(name = "holiday")]
impl Holiday {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let ticket = cx.child::<Ticket>(order.clone()).pivot().forever().await?;
        let album = cx.child::<Album>(order).until(cx.now() + std::time::Duration::from_secs(60)).await;
        Ok(ticket + album.unwrap_or(0))
    }
}

struct Ticket;

#[saga(name = "ticket")]
impl Ticket {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        Ok(self.buy(cx, &order.lines[0]).await?.0)
    }

    #[step(pivot)]
    async fn buy(&self, cx: &StepContext, line: &str) -> Result<Charge, Failure<Refused>> {
        println!("{}: {line}", cx.key());
        Ok(Charge(1))
    }
}

struct Album;

#[saga(name = "album")]
impl Album {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        cx.sleep("7d").await;
        Ok(order.lines.len() as u64)
    }
}
