use super::*;

// On the page:
struct Booking;

#[saga(name = "booking", version = 1)]
impl Booking {
    /// A room and a seat, or neither.
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        let room = self.book_room(cx, &city).await?;
        let seat = self.book_seat(cx, &city).await?; // refused: the room is cancelled
        Ok(format!("{room}; {seat}"))
    }

    #[step]
    async fn book_room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(book_room)]
    async fn cancel_room(&self, cx: &StepContext, room: Outcome<String>) -> Result<(), Transient> {
        match room {
            Outcome::Done(room) => println!("{room} is no longer needed"),
            Outcome::Unknown => println!("perhaps there is a room, perhaps the request never came"),
        }
        undo(cx).await
    }

    #[step]
    async fn book_seat(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(book_seat)]
    async fn cancel_seat(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Booking::definition()
}

#[tokio::test]
async fn one_step_comes_after_the_other() {
    let booked = Booking.run(&FlowContext::detached(), "Rome".into()).await.ok().unwrap();
    assert_eq!(booked.matches("Rome").count(), 2);
    assert_eq!(no(Booking.run(&FlowContext::detached(), "Atlantis".into()).await), No::SoldOut);
    Booking.cancel_room(&FlowContext::detached(), Outcome::Done(booked)).await.ok().unwrap();
    Booking.cancel_room(&FlowContext::detached(), Outcome::Unknown).await.ok().unwrap();
    Booking.cancel_seat(&FlowContext::detached()).await.ok().unwrap();
}
