use super::*;

// On the page:
use saga_runtime::runtime::{Filter, Page};

struct Visa;

#[saga(name = "visa", version = 1)]
impl Visa {
    /// Whoever asks where things stand finds it by its labels.
    #[flow]
    async fn run(&self, cx: &FlowContext, traveller: String) -> Result<String, Unwind<No>> {
        cx.set_label("traveller", &traveller); // durable with the next commit, which is that of the next line
        let number = self.apply(cx, &traveller).await?;
        cx.set_label("number", &number);
        Ok(self.issue(cx, &number).await?)
    }

    #[step]
    async fn apply(&self, cx: &StepContext, traveller: &str) -> Result<String, Failure<No>> {
        ask(cx, traveller).await
    }

    #[compensate(apply)]
    async fn withdraw(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn issue(&self, cx: &StepContext, number: &str) -> Result<String, Failure<No>> {
        ask(cx, number).await
    }
}

/// Where the visas of this traveller stand, by the page.
async fn visas(runtime: &Runtime, traveller: &str) -> Result<Page, saga_runtime::Error> {
    runtime.list(&Filter::new().of::<Visa>().label("traveller", traveller).newest_first()).await
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Visa::definition()
}

#[tokio::test]
async fn a_visa_can_be_found() {
    let cx = FlowContext::detached();
    let issued = Visa.run(&cx, "Ada".into()).await.ok().unwrap();
    assert!(issued.starts_with(&cx.labels()["number"]) && cx.labels()["traveller"] == "Ada");
    Visa.withdraw(&cx).await.ok().unwrap();
}

#[tokio::test]
async fn a_visa_is_found_by_its_traveller() {
    let runtime = runs::builder().register(Visa).start().await.unwrap();
    for (id, traveller) in [("visa-1", "Ada"), ("visa-2", "Grace"), ("visa-3", "Ada")] {
        let visa = runtime.start::<Visa>(id, traveller.into()).await.unwrap();
        assert!(visa.result().await.unwrap().completed().unwrap().starts_with(traveller));
    }
    let found: Vec<_> = visas(&runtime, "Ada").await.unwrap().instances.into_iter().map(|visa| visa.id).collect();
    assert_eq!(found.iter().map(|id| &**id).collect::<Vec<_>>(), ["visa-3", "visa-1"]);
}
