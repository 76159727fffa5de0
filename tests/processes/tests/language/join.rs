use super::*;

// On the page:
struct Package;

#[saga(name = "package", version = 1)]
impl Package {
    /// Flight, room and weather at the same time, then the money.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<String, Unwind<No>> {
        let city = &trip.cities[0];
        #[state("together")]
        let (flight, room, weather) = join!(self.flight(cx, city), self.room(cx, city), self.weather(city)).await?;
        self.pay(cx, &trip.card).await?;
        Ok(format!("{flight}; {room}; {weather}"))
    }

    #[step]
    async fn flight(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(flight)]
    async fn cancel_flight(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        ask(cx, city).await
    }

    #[compensate(room)]
    async fn cancel_room(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(read_only)]
    async fn weather(&self, city: &str) -> Result<String, Failure<No>> {
        Ok(format!("sun in {city}"))
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, card).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Package::definition()
}

#[tokio::test]
async fn all_come_back_together() {
    let package = Package.run(&FlowContext::detached(), trip(&["Rome"])).await.ok().unwrap();
    assert!(package.ends_with("sun in Rome"));
    assert_eq!(no(Package.run(&FlowContext::detached(), trip(&["Atlantis"])).await), No::SoldOut);
    Package.cancel_flight(&FlowContext::detached()).await.ok().unwrap();
    Package.cancel_room(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn a_refusal_after_the_join_undoes_its_branches() {
    let stolen = Trip { card: "a stolen card".into(), ..trip(&["Rome"]) };
    let (end, mut undone) = runs::run(Package, stolen).await.unwrap();
    assert!(runs::refused(&end, &No::Declined), "{end:?}");
    undone.sort();
    assert_eq!(undone, ["flight", "room"], "in any order, and not the weather");
}
