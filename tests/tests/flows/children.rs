//! Sagas that start others, and send them signals.

use super::*;

/// A saga that is called by another, and can be undone.
struct Payment;

#[saga(name = "payment")]
impl Payment {
    #[signal]
    const PAID: Signal<Self, u32> = Signal::new("paid");

    #[flow]
    async fn run(&self, cx: &FlowContext, amount: u32) -> Result<u32, Unwind<No>> {
        let paid = cx.wait(Self::PAID).forever().await;
        Ok(paid + amount)
    }
}

/// One that cannot: it has a pivot.
struct Delivery(World);

#[saga(name = "delivery")]
impl Delivery {
    #[flow]
    async fn run(&self, cx: &FlowContext, sku: String) -> Result<u32, Unwind<No>> {
        Ok(self.hand_over(cx, &sku).await?)
    }

    #[step(pivot, idempotent = "a test")]
    async fn hand_over(&self, _cx: &StepContext, sku: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "hand_over", sku)
    }
}

/// Starts all of them.
struct Parent;

#[saga(name = "parent")]
impl Parent {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(String, u32), Unwind<No>> {
        let sku = order.lines[0].sku.clone();
        let paid = cx.child::<Payment>(order.id).within("1h").await?;
        #[state("launched_payment")]
        let reminder = cx.launch::<Payment>(paid).await;
        if cx.send::<Payment, _>(&reminder, Payment::PAID, paid + 1).await.is_err() {
            return Err(No("not sent".into()).into());
        }
        #[state("to_another")]
        let sent = cx.send(format!("p-{paid}"), Payment::PAID, order.id).await;
        let sent = u32::from(sent.is_ok());
        let delivered = match cx.child::<Delivery>(sku.clone()).pivot().forever().await {
            Ok(delivered) => delivered,
            Err(why) => return Err(why.into()),
        };
        #[state("a_bonus")]
        let bonus = cx.child::<Delivery>(sku.repeat(2)).forever().await.unwrap_or(7);
        Ok((reminder, delivered + bonus + sent))
    }
}

#[test]
fn other_sagas_are_called_and_started_as_in_the_method() {
    let script = Script::default()
        .child::<Payment>(|amount| if amount == 9 { Err(No("too much".into()).into()) } else { Ok(amount * 2) })
        .child::<Delivery>(|sku| {
            if sku.starts_with("no") { Err(No(sku).into()) } else { Ok(u32::try_from(sku.len()).unwrap_or(0)) }
        })
        .launches::<Payment>()
        .sends(Payment::PAID)
        .seed(1);
    for input in [order(1, &["a"]), order(9, &["a"]), order(2, &["no"])] {
        the_machine_is_the_method_when(
            "parent",
            |_| Parent,
            &input,
            &script,
            |flow, input, cx| async move { (flow.run(&cx, input).await, cx) },
        );
    }
}

#[test]
fn each_place_where_a_saga_starts_says_what_it_is_to_this_one() {
    use saga_runtime::definition::ChildKind;
    let definition = Parent::definition();
    let children: Vec<_> = definition.children.iter().map(|child| ((child.definition)().name, child.kind)).collect();
    assert_eq!(
        children,
        [
            ("payment", ChildKind::Compensatable),
            ("payment", ChildKind::Launched),
            ("delivery", ChildKind::Pivot),
            ("delivery", ChildKind::Retriable),
        ]
    );
    let names: Vec<_> = definition.main().states.iter().map(|state| state.name).collect();
    assert_eq!(names, ["payment", "launched_payment", "send", "to_another", "delivery", "a_bonus"]);
    assert!(Payment::definition().is_compensable());
    assert!(!Delivery::definition().is_compensable() && !definition.is_compensable());
}
