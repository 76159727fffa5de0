use saga_runtime::prelude::*;
use saga_tests::shop::*;

#[derive(Clone)]
struct Response {
    code: u64,
}

struct Checkout;

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        let first = self.ask(&order).await?;
        let second = self.pass_on(cx, first.clone()).await?;
        let (third, fourth) = join!(self.ask_again(&second), self.ask_again(&first)).await?;
        self.tell(&first, third).await?;
        drop(fourth);
        Ok(())
    }

    #[flow(inner)]
    async fn pass_on(&self, cx: &FlowContext, response: Response) -> Result<Response, Unwind<Refused>> {
        self.note(cx, &response).await?;
        Ok(response)
    }

    #[step(read_only)]
    async fn ask(&self, order: &Order) -> Result<Response, Failure<Refused>> {
        Ok(Response { code: order.lines.len() as u64 })
    }

    #[step(read_only)]
    async fn ask_again(&self, response: &Response) -> Result<Response, Transient> {
        Ok(response.clone())
    }

    #[step]
    async fn note(&self, _cx: &StepContext, response: &Response) -> Result<Response, Failure<Refused>> {
        Ok(response.clone())
    }

    #[compensate(note)]
    async fn forget(&self, _cx: &StepContext, response: Outcome<Response>) -> Result<(), Transient> {
        drop(response);
        Ok(())
    }

    #[step(read_only)]
    async fn tell(&self, first: &Response, second: Response) -> Result<(), Transient> {
        let _ = first.code + second.code;
        Ok(())
    }
}

fn main() {}
