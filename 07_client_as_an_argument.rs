use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Client(std::sync::Mutex<u64>);

struct Checkout {
    client: Client,
}

#[saga(name = "checkout", version = 1)]
impl Checkout {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(), Unwind<Refused>> {
        self.reserve(cx, &self.client, &order.lines[0]).await?;
        Ok(())
    }

    #[step(pivot)]
    async fn reserve(&self, _cx: &StepContext, client: &Client, line: &str) -> Result<Hold, Failure<Refused>> {
        println!("{}", client.0.lock().unwrap());
        Ok(Hold(line.len() as u64))
    }

}

fn main() {}
