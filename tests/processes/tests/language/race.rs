use super::*;

// On the page:
struct Offer;

#[saga(name = "offer", version = 1)]
impl Offer {
    /// The guest takes it, at this price.
    #[signal]
    const TAKEN: Signal<Self, u64> = Signal::new("taken");
    /// The hotel takes it back, and says why.
    #[signal]
    const RECALLED: Signal<Self, String> = Signal::new("recalled");

    /// Whoever comes first: the guest, the hotel, or the evening.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<u64, Unwind<No>> {
        loop {
            match cx.wait((Self::TAKEN, Self::RECALLED)).within("12h").await {
                Ok(OneOf2::First(price)) => return Ok(price),
                Ok(OneOf2::Second(_)) => return Err(No::Rejected.into()),
                Err(Elapsed) => self.remind(cx, &city).await?,
            }
        }
    }

    #[step(no_compensation = "a reminder does no harm")]
    async fn remind(&self, cx: &StepContext, city: &str) -> Result<(), Failure<No>> {
        ask(cx, city).await?;
        Ok(())
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Offer::definition()
}

#[tokio::test(start_paused = true)]
async fn the_first_to_come_counts() {
    let taken = FlowContext::detached().with_signal(Offer::TAKEN, 7).with_signal(Offer::RECALLED, "full".into());
    assert_eq!(Offer.run(&taken, "Rome".into()).await.ok(), Some(7));
    let recalled = FlowContext::detached().with_signal(Offer::RECALLED, "full".into());
    assert_eq!(no(Offer.run(&recalled, "Rome".into()).await), No::Rejected);
    assert_eq!(no(Offer.run(&FlowContext::detached(), "Atlantis".into()).await), No::SoldOut, "of the reminder");
}

#[tokio::test(start_paused = true)]
async fn the_evening_comes_if_nobody_else_does() {
    let (end, undone) = runs::run(Offer, "Atlantis".into()).await.unwrap();
    assert!(runs::refused(&end, &No::SoldOut) && undone.is_empty(), "by the reminder: {end:?}");
}
