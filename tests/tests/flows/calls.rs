//! How steps are called: arguments by value and by reference, classes, names of states, generic sagas, attributes.

use super::*;

/// A saga with several kinds of steps.
struct Kinds(World);

#[saga(name = "kinds")]
impl Kinds {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let price = self.price(&order).await?;
        let mut holds = Vec::new();
        for line in &order.lines {
            holds.push(self.reserve(cx, line, 2).await?);
        }
        let charge = match self.charge(cx, order.id, price).await {
            Ok(charge) => charge,
            Err(_) =>
            {
                #[state("second_card")]
                self.charge(cx, order.id + 1, price).await?
            }
        };
        let parcel = self.ship(cx, &holds, order.note.as_deref(), holds.clone()).await?;
        Ok(charge + parcel)
    }

    #[step(read_only)]
    async fn price(&self, order: &Order) -> Result<u32, Failure<No>> {
        Ok(order.lines.iter().map(|line| line.quantity).sum())
    }

    #[step]
    async fn reserve(&self, _cx: &StepContext, line: &Line, times: u32) -> Result<String, Failure<No>> {
        act(&self.0, "reserve", &line.sku)?;
        Ok(line.sku.repeat(times as usize))
    }

    #[compensate(reserve)]
    async fn release(&self, _cx: &StepContext, line: &Line) -> Result<(), Transient> {
        self.0.effect(format!("release({})", line.sku));
        Ok(())
    }

    #[step(pivot)]
    async fn charge(&self, _cx: &StepContext, card: u32, price: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "charge", if card % 2 == 1 { "no" } else { "yes" })?;
        Ok(price)
    }

    #[step(retriable)]
    async fn ship(
        &self,
        _cx: &StepContext,
        holds: &[String],
        note: Option<&str>,
        copies: Vec<String>,
    ) -> Result<u32, Transient> {
        self.0.effect(format!("ship({holds:?}, {note:?}, {copies:?})"));
        Ok(1)
    }
}

#[test]
fn a_saga_with_every_class_is_its_flow() {
    for input in [order(1, &["a", "b"]), order(2, &["a"]), order(3, &[]), order(4, &["no"])] {
        the_machine_is_the_method("kinds", Kinds, &input, |saga, input| async move {
            saga.run(&FlowContext::detached(), input).await
        });
    }
}

#[test]
fn states_are_named_after_steps_unless_they_say_otherwise() {
    let names: Vec<_> = Kinds::definition().main().states.iter().map(|state| state.name).collect();
    assert_eq!(names, ["price", "reserve", "charge", "second_card", "ship"]);
}
