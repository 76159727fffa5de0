use super::*;

// On the page:
struct Payment;

#[saga(name = "payment", version = 1)]
impl Payment {
    /// By the card; if it is declined, by the voucher.
    #[flow]
    async fn run(&self, cx: &FlowContext, trip: Trip) -> Result<String, Unwind<No>> {
        if trip.cities.len() > 3 {
            self.insure(cx, trip.cities.len()).await?;
        }
        let paid = match self.charge(cx, &trip.card).await {
            Ok(paid) => paid,
            Err(Failure::Refused(No::Declined)) =>
            {
                #[state("by_voucher")]
                self.charge(cx, "a voucher").await?
            }
            Err(other) => return Err(other.into()),
        };
        Ok(paid)
    }

    #[step]
    async fn insure(&self, cx: &StepContext, cities: usize) -> Result<String, Failure<No>> {
        ask(cx, &format!("{cities} cities")).await
    }

    #[compensate(insure)]
    async fn cancel_insurance(&self, cx: &StepContext) -> Result<(), Transient> {
        undo(cx).await
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<String, Failure<No>> {
        ask(cx, card).await
    }
}
// Not on the page:

pub(super) fn definition() -> &'static Definition {
    Payment::definition()
}

#[tokio::test]
async fn a_voucher_pays_if_the_card_does_not() {
    let stolen = Trip { card: "a stolen card".into(), ..trip(&["a", "b", "c", "d"]) };
    assert!(Payment.run(&FlowContext::detached(), stolen).await.ok().unwrap().starts_with("a voucher"));
    assert!(Payment.run(&FlowContext::detached(), trip(&["a"])).await.ok().unwrap().starts_with("a card"));
    Payment.cancel_insurance(&FlowContext::detached()).await.ok().unwrap();
}

#[tokio::test]
async fn a_caught_refusal_undoes_nothing() {
    let stolen = Trip { card: "a stolen card".into(), ..trip(&["a", "b", "c", "d"]) };
    let (end, undone) = runs::run(Payment, stolen).await.unwrap();
    assert!(undone.is_empty() && end.completed().unwrap().starts_with("a voucher"));
}
