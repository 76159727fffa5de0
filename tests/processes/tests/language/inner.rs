use super::*;

// On the page:
struct Journey;

#[saga(name = "journey", version = 1)]
impl Journey {
    /// By train, or else by plane.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<String, Unwind<No>> {
        match self.by_train(cx, &trip.cities).await {
            Ok(tickets) => Ok(tickets),
            Err(Unwind::Refused(_)) => Ok(self.fly(cx, &trip.cities[0]).await?), // no ticket is left over
            Err(other) => Err(other),
        }
    }

    /// A ticket for each part of the way, or none at all.
    #[flow(inner)]
    async fn by_train(&self, cx: &FlowContext, cities: &[String]) -> Result<String, Unwind<No>> {
        let mut tickets = String::new();
        for city in cities {
            let ticket = self.ticket(cx, city).await?;
            tickets.push_str(&ticket);
        }
        Ok(tickets)
    }

    #[step]
    async fn ticket(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(ticket)]
    async fn return_ticket(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn fly(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Journey::definition()
}

#[tokio::test]
async fn the_plane_is_taken_where_no_train_goes() {
    let tickets = Journey.run(&FlowContext::detached(), trip(&["Bern", "Rome"])).await.ok().unwrap();
    assert!(tickets.contains("Bern") && tickets.contains("Rome"));
    let flight = Journey.run(&FlowContext::detached(), trip(&["Bern", "Atlantis"])).await.ok().unwrap();
    assert!(flight.starts_with("Bern") && !flight.contains("Atlantis"));
    Journey.return_ticket(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn no_ticket_is_left_over_when_the_plane_is_taken() {
    let (end, undone) = runs::run(Journey, trip(&["Bern", "Rome", "Atlantis"])).await.unwrap();
    assert!(end.completed().unwrap().starts_with("Bern"));
    assert_eq!(undone, ["ticket", "ticket"], "the first two, and the saga completed all the same");
}
