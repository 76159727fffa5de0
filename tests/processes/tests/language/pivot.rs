use super::*;

// On the page:
struct Purchase;

#[saga(name = "purchase", version = 1)]
impl Purchase {
    /// Look, hold, pay, deliver.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<String, Unwind<No>> {
        let price = self.price(&trip.cities).await?;
        self.hold(cx, &trip.cities).await?;
        self.pay(cx, &trip.card, price).await?; // the point of no return
        let ticket = self.deliver(cx, &trip.cities).await?; // can be late, cannot fail
        Ok(ticket)
    }

    #[step(read_only)]
    async fn price(&self, cities: &[String]) -> Result<u64, Failure<No>> {
        Ok(100 * cities.len() as u64)
    }

    #[step]
    async fn hold(&self, cx: &StepContext, cities: &[String]) -> Result<String, Failure<No>> {
        ask(cx, &cities[0]).await
    }

    #[compensate(hold)]
    async fn release(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn pay(&self, cx: &StepContext, card: &str, price: u64) -> Result<String, Failure<No>> {
        println!("{price} from {card}");
        ask(cx, card).await
    }

    #[step(retriable)]
    async fn deliver(&self, cx: &StepContext, cities: &[String]) -> Result<String, Transient> {
        Ok(format!("a ticket to {cities:?}, {}", cx.key()))
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Purchase::definition()
}

#[tokio::test]
async fn what_is_paid_is_delivered() {
    let ticket = Purchase.run(&FlowContext::detached(), trip(&["Rome"])).await.ok().unwrap();
    assert!(ticket.contains("Rome"));
    let stolen = Trip { card: "a stolen card".into(), ..trip(&["Rome"]) };
    assert_eq!(no(Purchase.run(&FlowContext::detached(), stolen).await), No::Declined);
    Purchase.release(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn a_declined_card_releases_what_was_held() {
    let stolen = Trip { card: "a stolen card".into(), ..trip(&["Rome"]) };
    let (end, undone) = runs::run(Purchase, stolen).await.unwrap();
    assert!(runs::refused(&end, &No::Declined), "{end:?}");
    assert_eq!(undone, ["hold"]);
}
