use super::*;

// On the page:
struct Lookup;

#[saga(name = "lookup", version = 1)]
impl Lookup {
    /// A room if the hotel answers in time, a tent otherwise.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        match self.room(cx, &city).await {
            Ok(room) => Ok(room),
            Err(Failure::Exhausted(_)) => Ok(self.tent(cx, &city).await?),
            Err(other) => Err(other.into()),
        }
    }

    #[step(timeout = "2s", retry(initial = "100ms", max = "5s", attempts = 6))]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(room, within = "7d")]
    async fn cancel_room(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(no_compensation = "a tent that is not slept in costs nothing")]
    async fn tent(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Lookup::definition()
}

#[tokio::test]
async fn a_room_is_found_or_refused() {
    assert!(Lookup.run(&FlowContext::detached(), "Rome".into()).await.is_ok());
    assert_eq!(no(Lookup.run(&FlowContext::detached(), "Atlantis".into()).await), No::SoldOut);
    Lookup.cancel_room(&FlowContext::detached()).await.ok().unwrap();
    Lookup.tent(&FlowContext::detached(), "Rome").await.ok().unwrap();
}
