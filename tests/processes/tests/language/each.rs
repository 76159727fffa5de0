use super::*;

// On the page:
struct Seats;

#[saga(name = "seats", version = 1)]
impl Seats {
    /// A seat to each city, eight at a time.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<Vec<String>, Unwind<No>> {
        let seats = cx.join_all(&trip.cities, 8, |city| self.seat(cx, city)).await?; // in the order of the cities
        Ok(seats)
    }

    #[step]
    async fn seat(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(seat)]
    async fn cancel_seat(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Seats::definition()
}

#[tokio::test]
async fn the_seats_come_in_the_order_of_the_cities() {
    let seats = Seats.run(&FlowContext::detached(), trip(&["Rome", "Bern"])).await.ok().unwrap();
    assert!(seats[0].starts_with("Rome") && seats[1].starts_with("Bern"));
    assert_eq!(no(Seats.run(&FlowContext::detached(), trip(&["Rome", "Atlantis"])).await), No::SoldOut);
    Seats.cancel_seat(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn a_refused_item_undoes_those_that_were_done() {
    let (end, undone) = runs::run(Seats, trip(&["Rome", "Bern", "Atlantis"])).await.unwrap();
    assert!(runs::refused(&end, &No::SoldOut), "{end:?}");
    assert!(undone.iter().all(|state| state == "seat") && undone.len() <= 2, "{undone:?}");
    let (end, _) = runs::run(Seats, trip(&["a"; 20])).await.unwrap();
    assert_eq!(end.completed().unwrap().len(), 20);
}
