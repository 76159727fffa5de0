use super::*;

// On the page:
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
async fn a_visa_is_issued() {
    let (end, _) = runs::run(Visa, "Ada".into()).await.unwrap();
    assert!(end.completed().unwrap().starts_with("Ada"));
}
