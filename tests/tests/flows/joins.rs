//! Branches that run at the same time.

use super::*;

/// Everything that a trip needs, at once.
struct Trip(World);

#[saga(name = "trip")]
impl Trip {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Vec<u32>, Unwind<No>> {
        let city = order.note.clone().unwrap_or_default();
        let (flight, room, car) =
            join!(self.flight(cx, &city), self.room(cx, order.id, &city), self.hire(cx, &order)).await?;
        let mut all = vec![flight, room.len() as u32, car];
        let held = cx.join_all(&order.lines, 2, |line| self.flight(cx, &line.sku)).await?;
        all.extend(held);
        let doubled = cx
            .join_all(all.clone().into_iter().enumerate(), all.len() + 1, |(at, price): (usize, u32)| {
                self.room(cx, price, if at == 0 { "first" } else { &city })
            })
            .await;
        match doubled {
            Ok(rooms) => all.push(rooms.iter().map(|room| room.len() as u32).sum()),
            Err(late) => all.push(u32::from(late.is_exhausted())),
        }
        #[state("hire_for_each")]
        match cx.join_all(vec![order.clone(), order], 1, |order| self.hire_owned(cx, order)).await {
            Ok(cars) => all.extend(cars),
            Err(Unwind::Refused(No(why))) => return Err(No(format!("{why}, and {all:?}")).into()),
            Err(other) => return Err(other),
        }
        Ok(all)
    }

    #[flow(inner)]
    async fn hire(&self, cx: &FlowContext, order: &Order) -> Result<u32, Unwind<No>> {
        let mut price = 0;
        for line in &order.lines {
            price += self.car(cx, &line.sku).await?;
        }
        Ok(price)
    }

    #[flow(inner)]
    async fn hire_owned(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let car = self.car(cx, &order.id.to_string()).await?;
        cx.sleep("1s").await;
        Ok(car + order.id)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn flight(&self, _cx: &StepContext, city: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "flight", city)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn room(&self, _cx: &StepContext, nights: u32, city: &str) -> Result<String, Transient> {
        self.0.effect(format!("room({nights}, {city})"));
        Ok(format!("{nights} in {city}"))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn car(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "car", what)
    }
}

#[test]
fn branches_end_as_those_of_the_method_do() {
    // The note of an odd order is refused in the first join, a line that begins with `no` in a later one.
    let orders = [order(2, &["a", "bb", "ccc"]), order(4, &[]), order(6, &["a", "no", "b"]), order(7, &["a", "b"])];
    for input in orders {
        the_machine_is_the_method("trip", Trip, &input, |flow, input| async move {
            flow.run(&FlowContext::detached(), input).await
        });
    }
}

#[test]
fn branches_may_end_in_any_order() {
    for seed in 1..=5 {
        let input = order(2, &["a", "bb", "ccc"]);
        let script = Script::default().seed(seed);
        the_machine_is_the_method_when("trip", Trip, &input, &script, |flow, input, cx| async move {
            (flow.run(&cx, input).await, cx)
        });
    }
}

#[test]
fn a_join_is_named_after_its_branches() {
    use saga_runtime::definition::{Branch, Work};
    let definition = Trip::definition();
    let states: Vec<_> = definition.main().states.iter().map(|state| (state.name, state.work)).collect();
    assert_eq!(
        states,
        [
            ("flight-and-room-and-hire", Work::Join(&[Branch::Step(0), Branch::Step(1), Branch::Flow(1)])),
            ("flight", Work::Each(Branch::Step(0))),
            ("room", Work::Each(Branch::Step(1))),
            ("hire_for_each", Work::Each(Branch::Flow(2))),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_run_at_a_time_and_none_begins_after_an_error() {
    use std::cell::Cell;
    let cx = FlowContext::detached();
    let (running, most, begun) = (Cell::new(0_u32), Cell::new(0_u32), Cell::new(0_u32));
    let branch = |item: u32| {
        let (running, most, begun) = (&running, &most, &begun);
        async move {
            begun.set(begun.get() + 1);
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            tokio::time::sleep(std::time::Duration::from_secs(u64::from(10 - item % 10))).await;
            running.set(running.get() - 1);
            if item == 12 { Err(Failure::from(No("twelve".into()))) } else { Ok(item) }
        }
    };
    let all: Result<Vec<u32>, Failure<No>> = cx.join_all(0..10, 3, branch).await;
    assert_eq!(all.ok(), Some((0..10).collect()));
    assert_eq!(most.get(), 3);
    let some = cx.join_all(10..100, 3, branch).await;
    assert!(matches!(some, Err(Failure::Refused(No(why))) if why == "twelve"));
    assert!(running.get() == 0 && begun.get() < 20, "{} have begun", begun.get());
}
