use super::*;

// On the page:
struct Hold;

#[saga(name = "hold", version = 1, deadline = "15m")]
impl Hold {
    /// The customer paid, with this card.
    #[signal]
    const PAID: Signal<Self, String> = Signal::new("paid");

    /// The seat is kept for a quarter of an hour from the start.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        self.seat(cx, &city).await?;
        let card = cx.wait(Self::PAID).forever().await; // the deadline is a bound to this as well
        Ok(self.charge(cx, &card).await?)
    }

    #[step]
    async fn seat(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(seat)]
    async fn free(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, card).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Hold::definition()
}

#[tokio::test]
async fn whoever_pays_has_the_seat() {
    let cx = FlowContext::detached().with_signal(Hold::PAID, "a card".into());
    assert!(Hold.run(&cx, "Rome".into()).await.is_ok());
    Hold.free(&cx).await.ok().unwrap();
    assert_eq!(Hold::definition().deadline, Some(std::time::Duration::from_mins(15)));
}

#[tokio::test(start_paused = true)]
async fn the_seat_is_free_again_after_a_quarter_of_an_hour() {
    let (end, undone) = runs::run(Hold, "Rome".into()).await.unwrap();
    assert!(matches!(end.cause(), Some(Cause::Deadline)), "{end:?}");
    assert_eq!(undone, ["seat"]);
}
