//! Inner flows: parts of a flow as methods of their own.

use super::*;

/// Tries the train, else the plane.
struct Travel(World);

#[saga(name = "travel")]
impl Travel {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let there = match self.by_train(cx, &order, 2, order.note.as_deref()).await {
            Ok(price) => price,
            Err(Unwind::Refused(No(why))) => self.by_plane(cx, why).await?,
            Err(other) => return Err(other),
        };
        let mut back = 0;
        for line in &order.lines {
            #[state("back_by_train")]
            let price = self.by_train(cx, &order, line.quantity, Some(&line.sku)).await?;
            back += price;
        }
        self.insure(cx, &(there + back).to_string()).await?;
        Ok(there + back)
    }

    /// As far as the train goes.
    #[flow(inner)]
    async fn by_train(
        &self,
        cx: &FlowContext,
        trip: &Order,
        seats: u32,
        note: Option<&str>,
    ) -> Result<u32, Unwind<No>> {
        let mut price = 0;
        for line in &trip.lines {
            price += self.seat(cx, &line.sku).await?;
        }
        if let Some(note) = note {
            price += self.note(cx, note).await?;
        }
        let twice = self.twice(cx, &[price, seats], &trip.note).await?;
        Ok(twice + price * seats)
    }

    #[flow(inner)]
    async fn by_plane(&self, cx: &FlowContext, mut why: String) -> Result<u32, Unwind<No>> {
        why.push_str("; so by plane");
        let seat = self.fly(cx, &why).await?;
        why.clear();
        cx.sleep("1h").await;
        Ok(seat + u32::try_from(why.len()).unwrap_or(0))
    }

    #[flow(inner)]
    async fn twice(&self, cx: &FlowContext, prices: &[u32], note: &Option<String>) -> Result<u32, Unwind<No>> {
        cx.sleep("1m").await;
        let sum: u32 = prices.iter().sum();
        self.fly(cx, note.as_deref().unwrap_or("none")).await?;
        Ok(sum * 2)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn seat(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "seat", what)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn note(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "note", what)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn fly(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        self.0.effect(format!("fly({what})"));
        Ok(3)
    }

    #[step(pivot, idempotent = "a test")]
    async fn insure(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "insure", what)
    }
}

#[test]
fn an_inner_flow_is_its_method() {
    for input in [order(1, &["a", "b"]), order(2, &["a", "no"]), order(3, &[]), order(4, &["c"])] {
        the_machine_is_the_method("travel", Travel, &input, |flow, input| async move {
            flow.run(&FlowContext::detached(), input).await
        });
    }
}

#[test]
fn each_flow_has_states_and_slots_of_its_own() {
    let flows: Vec<_> = Travel::definition()
        .flows
        .iter()
        .map(|flow| {
            let states: Vec<_> = flow.states.iter().map(|state| state.name).collect();
            (flow.name, flow.docs, flow.parameters, states)
        })
        .collect();
    let parameters: &[&[&str]] = &[&["order"], &["trip", "seats", "note"], &["why"], &["prices", "note"]];
    assert_eq!(
        flows,
        [
            ("run", "", parameters[0], vec!["by_train", "by_plane", "back_by_train", "insure"]),
            ("by_train", "As far as the train goes.", parameters[1], vec!["seat", "note", "twice"]),
            ("by_plane", "", parameters[2], vec!["fly", "sleep"]),
            ("twice", "", parameters[3], vec!["sleep", "fly"]),
        ]
    );
}
