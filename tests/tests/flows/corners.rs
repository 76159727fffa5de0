//! The new words in every place where they may stand.

use super::*;
use std::marker::PhantomData;

type Ended<T> = Result<T, Unwind<No>>;

/// A saga that is generic, whose inner flow returns an alias, and whose context has another name.
struct Corners<T>(World, PhantomData<fn() -> T>);

#[saga(name = "corners")]
impl<T: 'static> Corners<T> {
    #[signal]
    const GO: Signal<Self, Vec<u32>> = Signal::new("go");

    #[flow]
    async fn run(&self, context: &FlowContext, mut order: Order) -> Ended<Vec<u32>> {
        let mut all = Vec::new();
        if let Ok(numbers) = context.wait(Self::GO).within(Self::patience(&order)).await {
            all.extend(numbers);
        }
        match join!(self.both(context, &order.lines, None), self.a(context, "x")).await {
            Ok((both, a)) if both > 2 => all.push(both + a),
            Ok((both, _)) => all.push(both),
            Err(Unwind::Refused(No(why))) => {
                order.lines.clear();
                #[state("after_a_refusal")]
                let (first, second) = join!(self.a(context, &why), self.both(context, &[], Some(&why)),).await?;
                all.extend([first, second]);
            }
            Err(other) => Err(other)?,
        }
        let more = {
            let prefix = format!("{}-", order.id);
            #[state("more")]
            context
                .join_all(order.lines.iter().rev().filter(|line| line.quantity != 2), 3, |line: &Line| {
                    self.a(context, if line.quantity > prefix.len() as u32 { &prefix } else { &line.sku })
                })
                .await?
        };
        all.extend(more);
        let wait = if all.len() > 2 { all.len() } else { 0 };
        context.sleep(std::time::Duration::from_secs(wait as u64)).await;
        let (sum,) = (self.sum(context, all.iter().sum(), all.clone()).await?,);
        #[state("once_more")]
        while self.sum(context, sum, Vec::new()).await? > 1_000 {}
        Ok(all)
    }

    #[flow(inner)]
    async fn both(&self, cx: &FlowContext, lines: &[Line], note: Option<&str>) -> Ended<u32> {
        let Some(note) = note else {
            let mut sum = 0;
            for (at, line) in lines.iter().enumerate() {
                sum += at as u32 + self.a(cx, &line.sku).await?;
            }
            return Ok(sum);
        };
        cx.set_label("note", note);
        self.sum(cx, note.len() as u32, vec![1]).await
    }

    #[flow(inner)]
    async fn sum(&self, cx: &FlowContext, start: u32, more: Vec<u32>) -> Result<u32, Unwind<No>> {
        let sums = cx.join_all(more, 2, |number| self.add(cx, start, number)).await;
        Ok(sums?.into_iter().max().unwrap_or(start))
    }

    fn patience(order: &Order) -> &'static str {
        if order.id % 2 == 0 { "2m" } else { "3h" }
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn a(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "a", what)
    }

    #[step(read_only)]
    async fn add(&self, _cx: &StepContext, a: u32, b: u32) -> Result<u32, Transient> {
        Ok(a + b)
    }
}

#[test]
fn the_new_words_stand_wherever_the_old_ones_do() {
    let scripts = [Script::default(), Script::default().signal(Corners::<u8>::GO, vec![1, 2, 3])];
    for script in &scripts {
        for input in [
            order(1, &["a", "bb"]),
            order(2, &[]),
            order(3, &["c", "no"]),
            order(4, &["no", "d"]),
            order(6, &["aa", "b", "ccc"]),
        ] {
            let make = |world| Corners::<u8>(world, PhantomData);
            the_machine_is_the_method_when("corners", make, &input, script, |flow, input, cx| async move {
                (flow.run(&cx, input).await, cx)
            });
        }
    }
}
