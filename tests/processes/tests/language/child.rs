use super::*;

// On the page:
struct Holiday;

#[saga(name = "holiday", version = 1)]
impl Holiday {
    /// A saga for the hotel, then one for the ticket: once that is bought there is no way back.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        let nights = cx.child::<Nights>(city.clone()).within("1h").await?;
        let ticket = cx.child::<Ticket>(city).pivot().forever().await?;
        Ok(format!("{nights}; {ticket}"))
    }
}

struct Nights;

#[saga(name = "nights", version = 1)]
impl Nights {
    /// All that it does can be undone, so all of it can be undone as one.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        Ok(self.room(cx, &city).await?)
    }

    #[step]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(room)]
    async fn cancel_room(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }
}

struct Ticket;

#[saga(name = "ticket", version = 1)]
impl Ticket {
    /// It has a pivot: what is paid stays paid.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        Ok(self.buy(cx, &city).await?)
    }

    #[step(pivot)]
    async fn buy(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Holiday::definition()
}

#[tokio::test]
async fn the_others_are_called_in_turn() {
    let cx = FlowContext::detached()
        .with_child::<Nights>(|city| Ok(format!("a week in {city}")))
        .with_child::<Ticket>(|city| if city == "Atlantis" { Err(No::SoldOut.into()) } else { Ok(city) });
    assert_eq!(Holiday.run(&cx, "Rome".into()).await.ok().as_deref(), Some("a week in Rome; Rome"));
    assert_eq!(no(Holiday.run(&cx, "Atlantis".into()).await), No::SoldOut);
    assert!(Nights.run(&cx, "Rome".into()).await.is_ok() && Ticket.run(&cx, "Rome".into()).await.is_ok());
    Nights.cancel_room(&cx).await.ok().unwrap();
}

#[tokio::test]
async fn a_holiday_is_booked_by_the_others_and_refused_by_them() {
    let runtime = runs::builder().register(Holiday).register(Nights).register(Ticket).start().await.unwrap();
    let booked = runtime.start::<Holiday>("rome", "Rome".into()).await.unwrap().result().await.unwrap();
    assert_eq!(booked.completed().unwrap().matches("Rome").count(), 2);
    let refused = runtime.start::<Holiday>("atlantis", "Atlantis".into()).await.unwrap().result().await.unwrap();
    assert!(runs::refused(&refused, &No::SoldOut), "{refused:?}");
}
