use super::*;

// On the page:
struct Trial;

#[saga(name = "trial", version = 1)]
impl Trial {
    /// Two weeks for nothing, then the first month.
    #[flow]
    async fn run(&self, cx: &FlowContext, card: String) -> Result<String, Unwind<No>> {
        self.open(cx, &card).await?;
        cx.sleep("14d").await; // or a Duration; or cx.sleep_until(a_moment)
        Ok(self.charge(cx, &card).await?)
    }

    #[step]
    async fn open(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, &format!("an account for {card}")).await
    }

    #[compensate(open)]
    async fn close(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, card).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Trial::definition()
}

#[tokio::test(start_paused = true)]
async fn two_weeks_pass_at_once() {
    let cx = FlowContext::detached();
    let begun = cx.now();
    assert!(Trial.run(&cx, "a card".into()).await.is_ok());
    assert!(cx.now().duration_since(begun).unwrap().as_secs() >= 14 * 86_400);
    assert_eq!(no(Trial.run(&cx, "a stolen card".into()).await), No::Declined);
    Trial.close(&cx).await.ok().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_card_declined_two_weeks_later_closes_the_account() {
    let (end, undone) = runs::run(Trial, "a stolen card".into()).await.unwrap();
    assert!(runs::refused(&end, &No::Declined), "{end:?}");
    assert_eq!(undone, ["open"]);
}
