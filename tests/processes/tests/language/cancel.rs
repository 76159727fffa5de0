use super::*;

// On the page:
struct Reservation;

#[saga(name = "reservation", version = 1)]
impl Reservation {
    /// The table is held for a day, then there is a fee for it.
    #[flow]
    async fn run(&self, cx: &FlowContext, guest: String) -> Result<String, Unwind<No>> {
        self.hold(cx, &guest).await?;
        cx.sleep("1d").await;
        Ok(self.charge(cx, &guest).await?)
    }

    #[step]
    async fn hold(&self, cx: &StepContext, guest: &str) -> Result<String, Failure<No>> {
        ask(cx, guest).await
    }

    #[compensate(hold)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, guest: &str) -> Result<String, Failure<No>> {
        ask(cx, guest).await
    }
}

/// Asks for it, waits for the owner's decision, and tells how it ended.
async fn never_mind(reservation: &Handle<Reservation>) -> Result<&'static str, saga_runtime::Error> {
    let decision = reservation.cancel("the guest is ill").await?;
    if !decision.granted {
        return Ok("too late: the fee is paid");
    }
    match reservation.result().await? {
        End::Compensated { cause: Cause::Cancelled(_), .. } => Ok("the table is free again"),
        _ => Ok("it ended in another way"),
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Reservation::definition()
}

#[tokio::test(start_paused = true)]
async fn the_plain_method_knows_no_cancel() {
    assert!(Reservation.run(&FlowContext::detached(), "Ada".into()).await.is_ok());
    Reservation.release(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn a_guest_who_is_ill_in_time_frees_the_table() {
    let runtime = runs::builder().register(Reservation).start().await.unwrap();
    let reservation = runtime.start::<Reservation>("table-3", "Ada".into()).await.unwrap();
    while reservation.status().await.unwrap().state.as_ref() != "sleep" {
        tokio::task::yield_now().await;
    }
    assert_eq!(never_mind(&reservation).await.unwrap(), "the table is free again");
    assert_eq!(runs::undone(&reservation.timeline().await.unwrap()), ["hold"]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_is_ill_too_late_has_paid() {
    let runtime = runs::builder().register(Reservation).start().await.unwrap();
    let reservation = runtime.start::<Reservation>("table-3", "Ada".into()).await.unwrap();
    assert!(reservation.result().await.unwrap().completed().is_some());
    assert_eq!(never_mind(&reservation).await.unwrap(), "too late: the fee is paid");
}
