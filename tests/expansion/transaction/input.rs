// A step that commits with its own record.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct Voucher;

#[saga(name = "voucher")]
impl Voucher {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let hold = self.reserve(cx, &order).await?;
        Ok(hold.0)
    }

    #[step(transaction)]
    async fn reserve(&self, _cx: &StepContext, _order: &Order) -> Result<Hold, Failure<Refused>> {
        Ok(Hold(1))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, _hold: Hold) -> Result<(), Transient> {
        Ok(())
    }
}
