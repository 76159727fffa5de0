use super::*;

// On the page:
struct Approval;

#[saga(name = "approval", version = 1)]
impl Approval {
    /// Somebody decided: `true` is yes.
    #[signal]
    const DECIDED: Signal<Self, bool> = Signal::new("decided");

    /// A yes within two days; whoever does not answer says no.
    #[flow]
    async fn run(&self, cx: &FlowContext, request: String) -> Result<String, Unwind<No>> {
        let filed = self.file(cx, &request).await?;
        match cx.wait(Self::DECIDED).within("2d").await {
            Ok(true) => Ok(filed),
            Ok(false) | Err(Elapsed) => Err(No::Rejected.into()), // the request is withdrawn
        }
    }

    #[step]
    async fn file(&self, cx: &StepContext, request: &str) -> Result<String, Failure<No>> {
        ask(cx, request).await
    }

    #[compensate(file)]
    async fn withdraw(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }
}

/// What the form on the web does: the form's own id makes it count once, however often it is sent.
async fn answer(runtime: &Runtime, request: &str, form: &str, yes: bool) -> Result<(), saga_runtime::Error> {
    runtime.signal_once(request, Approval::DECIDED, form, yes).await
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Approval::definition()
}

#[tokio::test(start_paused = true)]
async fn only_a_yes_is_a_yes() {
    let yes = FlowContext::detached().with_signal(Approval::DECIDED, true);
    assert!(Approval.run(&yes, "a chair".into()).await.is_ok());
    let other = FlowContext::detached().with_signal(Approval::DECIDED, false);
    assert_eq!(no(Approval.run(&other, "a chair".into()).await), No::Rejected);
    assert_eq!(no(Approval.run(&FlowContext::detached(), "a chair".into()).await), No::Rejected);
    Approval.withdraw(&yes).await.ok().unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_s_answer_is_a_no_and_the_request_is_withdrawn() {
    let (end, undone) = runs::run(Approval, "a chair".into()).await.unwrap();
    assert!(runs::refused(&end, &No::Rejected), "{end:?}");
    assert_eq!(undone, ["file"]);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_counts_once_and_after_the_end_is_told_so() {
    let runtime = runs::builder().register(Approval).start().await.unwrap();
    let request = runtime.start::<Approval>("request-7", "a chair".into()).await.unwrap();
    answer(&runtime, "request-7", "form-1", true).await.unwrap();
    answer(&runtime, "request-7", "form-1", true).await.unwrap();
    assert!(request.result().await.unwrap().completed().is_some());
    assert!(request.unread_signals().await.unwrap().is_empty());
    assert!(answer(&runtime, "request-7", "form-2", true).await.unwrap_err().is_ended());
}
