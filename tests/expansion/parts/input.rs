// A local that is taken apart: what is left of it is saved.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Labelled {
    address: String,
    stamps: Vec<String>,
}

struct TakenApart;

#[saga(name = "taken_apart")]
impl TakenApart {
    #[flow]
    async fn run(&self, _cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let parcel = Labelled { address: order.lines[0].clone(), stamps: order.lines };
        println!("{:?}", parcel.stamps);
        let stamps = parcel.stamps;
        let length = self.look(&stamps[0]).await?;
        Ok(length + parcel.address.len() as u64)
    }

    #[step(read_only)]
    async fn look(&self, line: &str) -> Result<u64, Failure<Refused>> {
        Ok(line.len() as u64)
    }
}
