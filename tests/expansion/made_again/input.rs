// What costs nothing to make again is not saved.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Constant {
    name: String,
}

#[saga(name = "constant")]
impl Constant {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let word = "a discount";
        let name = &self.name;
        let length = self.look(word).await?;
        println!("{name}: {word}");
        Ok(length + order.lines.len() as u64)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
