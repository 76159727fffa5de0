use super::*;

// On the page:
struct RoundTrip;

#[saga(name = "round_trip", version = 1)]
impl RoundTrip {
    /// A seat to each city, as many as there are.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<Vec<String>, Unwind<No>> {
        let mut seats = Vec::new();
        for city in &trip.cities {
            let seat = self.seat(cx, city).await?; // the third one refused: the second is cancelled, then the first
            seats.push(seat);
        }
        Ok(seats)
    }

    #[step]
    async fn seat(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(seat)]
    async fn cancel_seat(&self, cx: &StepContext, city: &str) -> Result<(), Transient> {
        println!("not to {city}");
        undo(cx).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    RoundTrip::definition()
}

#[tokio::test]
async fn there_is_a_seat_to_each_city() {
    let seats = RoundTrip.run(&FlowContext::detached(), trip(&["Rome", "Bern"])).await.ok().unwrap();
    assert!(seats[0].starts_with("Rome") && seats[1].starts_with("Bern"));
    assert_eq!(no(RoundTrip.run(&FlowContext::detached(), trip(&["Rome", "Atlantis"])).await), No::SoldOut);
    RoundTrip.cancel_seat(&FlowContext::detached(), "Rome").await.ok().unwrap();
}

#[tokio::test]
async fn a_refused_turn_undoes_those_before_it() {
    let (end, undone) = runs::run(RoundTrip, trip(&["Rome", "Bern", "Atlantis"])).await.unwrap();
    assert!(runs::refused(&end, &No::SoldOut), "{end:?}");
    assert_eq!(undone, ["seat", "seat"], "one undo for each turn that completed");
}
