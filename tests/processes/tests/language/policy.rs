use super::*;

// On the page:
use saga_runtime::policy::Breaker;
use std::time::Duration;

struct Billing;

#[saga(name = "billing", version = 1)]
impl Billing {
    /// Every saga that asks the bank asks it under the same policy.
    #[flow]
    async fn run(&self, cx: &FlowContext, card: String) -> Result<String, Unwind<No>> {
        Ok(self.charge(cx, &card).await?)
    }

    #[step(pivot, policy = "bank")]
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, card).await
    }
}

/// Five failures out of ten close the bank for half a minute; at most 16 requests are under way at once.
fn bank() -> NamedPolicy {
    let breaker = Breaker::after(5).of(10).open(Duration::from_secs(30));
    NamedPolicy::new().timeout(Duration::from_secs(2)).breaker(breaker).bulkhead(16)
}

/// `runtime.set_policy("bank", ..)` changes it while sagas run.
fn with_a_bank() -> saga_runtime::Builder {
    Runtime::builder().register(Billing).policy("bank", bank())
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Billing::definition()
}

#[tokio::test]
async fn the_runtime_knows_the_policy() {
    let runtime = with_a_bank().store(saga_runtime::store::memory::Memory::default()).start().await.unwrap();
    let billed = runtime.start::<Billing>("card-1", "a card".into()).await.unwrap().result().await.unwrap();
    assert!(billed.completed().is_some());
    assert_eq!(runtime.policies()[0].admitted, 1);
}
