//! The saga: everything is held at once, then paid for, then issued; or nothing is left of it.

use saga_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;
use crate::trip::{Booked, Card, Hold, Sorry, Trip};

/// A travel agency, and the services that it calls.
pub(crate) struct Travel {
    pub(crate) services: Client,
}

#[saga(name = "travel", version = 1)]
impl Travel {
    /// The traveller pays, with this card.
    #[signal]
    pub(crate) const PAID: Signal<Self, Card> = Signal::new("paid");

    /// Seats, a room and a car at the same time; then the traveller has to pay; then there are tickets.
    #[flow]
    pub(crate) async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<Booked, Unwind<Sorry>> {
        #[state("hold")]
        let (mut holds, room, car) = join!(self.seats(cx, &trip), self.room(cx, &trip), self.car(cx, &trip.to)).await?;
        holds.extend([room, car]);
        let total: u64 = holds.iter().map(|hold| hold.price).sum();

        match cx.wait(Self::PAID).within(trip.time_to_pay()).await {
            Ok(card) => self.pay(cx, &card, total).await?, // the point of no return
            Err(Elapsed) => return Err(Sorry::NotPaid.into()), // everything is given back
        }

        let tickets = cx.join_all(&holds, 4, |hold| self.issue(cx, hold)).await?; // can be late, cannot fail
        Ok(Booked { paid: total, tickets })
    }

    /// All on the train, or else all on the plane: the seats on the train are given back before the first on the plane is held.
    #[flow(inner)]
    async fn seats(&self, cx: &FlowContext, trip: &Trip) -> Result<Vec<Hold>, Unwind<Sorry>> {
        match cx.join_all(&trip.passengers, 8, |name| self.seat(cx, "train", &trip.to, name)).await {
            Ok(seats) => Ok(seats),
            Err(Failure::Refused(_)) => {
                #[state("seat_by_plane")]
                let seats = cx.join_all(&trip.passengers, 8, |name| self.seat(cx, "plane", &trip.to, name)).await?;
                Ok(seats)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The good hotel, or else the cheap one.
    #[flow(inner)]
    async fn room(&self, cx: &FlowContext, trip: &Trip) -> Result<Hold, Unwind<Sorry>> {
        match self.hotel(cx, "grand hotel", trip).await {
            Ok(room) => Ok(room),
            Err(Failure::Refused(_)) => {
                #[state("cheap_hotel")]
                let room = self.hotel(cx, "hostel", trip).await?;
                Ok(room)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Holds a seat for one passenger.
    #[step(timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn seat(&self, cx: &StepContext, by: &str, to: &str, name: &str) -> Result<Hold, Failure<Sorry>> {
        let seat = json!({ "trip": cx.instance(), "kind": by, "to": to, "who": name });
        Ok(self.services.act(cx, "/carriers/holds", &seat).await??)
    }

    #[compensate(seat, timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn give_back_seat(&self, cx: &StepContext) -> Result<(), Transient> {
        self.services.undo(cx, "/carriers/holds/undo").await
    }

    /// Holds one room for all of them.
    #[step(timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn hotel(&self, cx: &StepContext, hotel: &str, trip: &Trip) -> Result<Hold, Failure<Sorry>> {
        let room = json!({ "trip": cx.instance(), "kind": hotel, "to": trip.to, "nights": trip.nights });
        Ok(self.services.act(cx, "/hotels/holds", &room).await??)
    }

    #[compensate(hotel, timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn give_back_room(&self, cx: &StepContext) -> Result<(), Transient> {
        self.services.undo(cx, "/hotels/holds/undo").await
    }

    /// Holds a car.
    #[step(timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn car(&self, cx: &StepContext, to: &str) -> Result<Hold, Failure<Sorry>> {
        let car = json!({ "trip": cx.instance(), "kind": "car", "to": to });
        Ok(self.services.act(cx, "/cars/holds", &car).await??)
    }

    #[compensate(car, timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn give_back_car(&self, cx: &StepContext) -> Result<(), Transient> {
        self.services.undo(cx, "/cars/holds/undo").await
    }

    /// Takes the money: the last step that can be refused.
    #[step(pivot, timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn pay(&self, cx: &StepContext, card: &Card, total: u64) -> Result<(), Failure<Sorry>> {
        let payment = json!({ "trip": cx.instance(), "card": card, "cents": total });
        Ok(self.services.act(cx, "/bank/payments", &payment).await??)
    }

    /// Makes the ticket for what was held and is paid now.
    #[step(retriable, timeout = "1s", retry(initial = "50ms", max = "2s"))]
    async fn issue(&self, cx: &StepContext, hold: &Hold) -> Result<String, Transient> {
        let path = format!("/{}/tickets", hold.service.name());
        let ticket = self.services.act(cx, &path, &json!({ "trip": cx.instance(), "hold": hold.id })).await?;
        ticket.map_err(|sorry| Transient::park(format!("what is paid cannot be refused: {sorry:?}")))
    }
}
