// Another saga, whose end is waited for.

use saga_runtime::prelude::*;
use saga_tests::shop::*;

struct WithSurvey;

#[saga(name = "with_survey")]
impl WithSurvey {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u64, Unwind<Refused>> {
        let answer = cx.child::<Survey>(order.clone()).within("8d").await?;
        Ok(answer + order.lines.len() as u64)
    }
}

struct Survey;

#[saga(name = "survey")]
impl Survey {
    #[flow]
    async fn run(&self, cx: &FlowContext, _order: Order) -> Result<u64, Unwind<Refused>> {
        cx.sleep("7d").await;
        Ok(1)
    }
}
