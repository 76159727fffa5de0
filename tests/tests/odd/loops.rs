//! Loops with labels, values and odd ways out; waits, inner flows and children in them.

#![expect(
    clippy::never_loop,
    clippy::needless_continue,
    clippy::let_unit_value,
    clippy::manual_let_else,
    reason = "that is what is odd here"
)]

use super::{No, Order, act, flow, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::{Script, World};

odd! {
    BreakWithALabelAndAValue: BreakWithALabelAndAValue, on 0, 1, 2, 5;
    ContinueWithALabel: ContinueWithALabel, on vec![], vec![vec![1, 2], vec![3], vec![2, 2]];
    LabelsOfTheSameName: LabelsOfTheSameName, on 1, 3;
    ALabelLikeTheMachinesOwn: ALabelLikeTheMachinesOwn, on 1, 4;
    WhileLetWithAStepInIt: WhileLetWithAStepInIt, on vec!["a".into(), "no".into(), "b".into()], vec![];
    ALoopThatIsAnOperand: ALoopThatIsAnOperand, on 2;
    ALabelledBlockOfABlock: ALabelledBlockOfABlock, on 0, 1, 9;
    JoinsAndInnerFlowsInLoops: JoinsAndInnerFlowsInLoops, on order(1, &["a", "bb"]), order(2, &["no", "x"]), order(4, &[]);
    WaitsInLoopsAndArms: WaitsInLoopsAndArms, when Script::default().signal(WaitsInLoopsAndArms::MORE, 3), on 0, 2;
    ChildrenInALoop: |_| ChildrenInALoop, when Script::default().child::<Leaf>(Ok), on vec![1, 2, 3], vec![];
}

flow! { BreakWithALabelAndAValue [a b]
    (self, cx, n: u32) -> u32 {
        let found = 'outer: loop {
            let inner = 'inner: loop {
                if n == 0 {
                    break 'outer 100;
                }
                let x = self.a(cx, &"x".repeat(n as usize)).await?;
                if x > 4 {
                    break 'outer x;
                }
                break 'inner 'value: {
                    if x == 1 {
                        break 'value self.b(cx, "one").await?;
                    }
                    x * 10
                };
            };
            if inner > 5 {
                break inner;
            }
            break inner + 1;
        };
        Ok(found)
    }
}

flow! { ContinueWithALabel [a b]
    (self, cx, rows: Vec<Vec<u32>>) -> Vec<u32> {
        let mut out = vec![];
        'rows: for row in &rows {
            let mut seen = 0;
            'cells: loop {
                let Some(&cell) = row.get(seen) else { continue 'rows };
                seen += 1;
                if cell == 1 {
                    continue 'cells;
                }
                out.push(self.a(cx, &cell.to_string()).await?);
                if cell == 3 {
                    break 'rows;
                }
                match self.b(cx, if cell == 2 { "no" } else { "yes" }).await {
                    Err(_) if seen > 1 => continue 'rows,
                    Err(_) => continue,
                    Ok(n) => out.push(n),
                }
            }
        }
        Ok(out)
    }
}

flow! { LabelsOfTheSameName [a b]
    (self, cx, n: u32) -> u32 {
        let mut sum = 0;
        'again: for i in 0..n {
            sum += self.a(cx, &i.to_string()).await?;
            if i == 1 {
                break 'again;
            }
        }
        'again: while sum < 9 {
            sum += 1;
            for _ in 0..2 {
                if sum > 7 {
                    continue 'again;
                }
            }
            sum += self.b(cx, "b").await?;
        }
        Ok(sum)
    }
}

flow! { ALabelLikeTheMachinesOwn [a b]
    (self, cx, n: u32) -> u32 {
        let mut sum = 0;
        'arm: loop {
            sum += self.a(cx, "a").await?;
            'machine: for i in 0..n {
                if i == 2 {
                    break 'machine;
                }
                if sum > 3 {
                    break 'arm;
                }
            }
        }
        let first = 'arm: {
            for i in 0..n {
                if i * i > n {
                    break 'arm Some(i);
                }
            }
            None
        };
        self.b(cx, &format!("{first:?}")).await?;
        let rest = 'arm: loop {
            if sum > 1 {
                break 'arm sum;
            }
        };
        Ok(rest)
    }
}

flow! { WhileLetWithAStepInIt [a b]
    (self, cx, queue: Vec<String>) -> Vec<String> {
        let mut queue = queue.into_iter().rev().collect::<Vec<_>>();
        let mut done = Vec::new();
        while let Some(name) = queue.pop() && done.len() < 5 && let ref copy @ Some(ref text) = Some(name.clone()) {
            assert_eq!(copy.as_ref(), Some(text));
            let (Ok(n) | Err(n)) = self.a(cx, text).await.map_err(|_| 0);
            done.push(format!("{name}{n}"));
        }
        while let Ok(n @ 1..) = self.b(cx, &"b".repeat(done.len())).await {
            let _ = done.pop();
            if n == 1 {
                break;
            }
        }
        Ok(done)
    }
}

flow! { ALoopThatIsAnOperand [a b]
    (self, cx, n: u32) -> u32 {
        let sum = loop {
            if #[state("first")] self.a(cx, "a").await? == 1 {
                break 3;
            }
        } + n;
        let text = if loop { break self.b(cx, "bb").await? == 2 } { "two" } else { "other" }.to_owned();
        let unit = while self.a(cx, "no").await.is_ok() {};
        #[allow(clippy::unit_cmp)]
        let same = unit == ();
        Ok(sum + u32::try_from(text.len()).unwrap_or(0) + u32::from(same))
    }
}

flow! { ALabelledBlockOfABlock [a b]
    (self, cx, n: u32) -> Option<u32> {
        'all: {
            let x = 'some: {
                if n == 0 {
                    break 'all;
                }
                if n > 5 {
                    break 'some None;
                }
                Some(self.a(cx, &n.to_string()).await?)
            };
            let Some(x) = x else { break 'all };
            self.b(cx, &x.to_string()).await?;
            return Ok(x.into());
        }
        Ok(None)
    }
}

/// Everything that can be awaited, in loops and branches.
struct JoinsAndInnerFlowsInLoops(World);

#[saga]
impl JoinsAndInnerFlowsInLoops {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Vec<u32>, Unwind<No>> {
        let mut all = vec![];
        for line in &order.lines {
            if line.len() == 1 {
                let (x, y) = match join!(self.act(line), self.part(cx, line, &order)).await {
                    Ok((x, y)) => (x, y),
                    Err(_) => continue,
                };
                all.extend([x, y]);
            } else {
                all.extend(match self.part(cx, line, &order).await {
                    Ok(part) => Some(part),
                    Err(Unwind::Refused(No(why))) if why.len() > 20 => None,
                    Err(Unwind::Refused(_)) => break,
                    Err(other) => return Err(other),
                });
            }
        }
        loop {
            #[state("each")]
            let some = cx
                .join_all(order.lines.iter().filter(|line| !line.starts_with("no")), 2, |line| self.act(line))
                .await?;
            let n = some.len();
            all.extend(some);
            if all.len() > n {
                return Ok(all);
            }
            if n == 0 {
                break Ok(all);
            }
        }
    }

    /// A part of it, with a loop of its own.
    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, line: &str, order: &Order) -> Result<u32, Unwind<No>> {
        let mut n = 0;
        while n < order.id {
            n += self.act(line).await?;
            if n > 1 {
                cx.sleep("1m").await;
            }
        }
        Ok(n)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

/// Waits in a `match` arm, in a loop, and in the scrutinee of another.
struct WaitsInLoopsAndArms(World);

#[saga]
impl WaitsInLoopsAndArms {
    #[signal]
    const MORE: Signal<Self, u32> = Signal::new("more");
    #[signal]
    const STOP: Signal<Self, ()> = Signal::new("stop");

    #[flow]
    async fn run(&self, cx: &FlowContext, start: u32) -> Result<Vec<String>, Unwind<No>> {
        let mut seen = vec![];
        for turn in 0..3 {
            seen.push(match (turn, start) {
                (0, 2) => match cx.wait((Self::MORE, Self::STOP)).within("1h").await {
                    Ok(OneOf2::First(n)) => format!("{turn}: {n}"),
                    Ok(OneOf2::Second(())) => break,
                    Err(Elapsed) => continue,
                },
                (1, _) => {
                    #[state("one")]
                    let Ok(n) = cx.wait(Self::MORE).within("2h").await else { continue };
                    n.to_string()
                }
                (2, 0) => {
                    #[state("nap")]
                    cx.sleep("1d").await;
                    "slept".to_owned()
                }
                _ => self.act("other").await?.to_string(),
            });
        }
        Ok(seen)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

/// A saga that does nothing but end.
struct Leaf;

#[saga]
impl Leaf {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        cx.set_label("n", n);
        cx.sleep("1s").await;
        Ok(n)
    }
}

/// Another saga for each turn.
struct ChildrenInALoop;

#[saga]
impl ChildrenInALoop {
    #[flow]
    async fn run(&self, cx: &FlowContext, all: Vec<u32>) -> Result<u32, Unwind<No>> {
        let mut sum = 0;
        for n in all.iter().copied().rev() {
            sum += match cx.child::<Leaf>(n).within("1h").await {
                Ok(n) if n > 2 => n * 10,
                Ok(n) => n,
                Err(_) => break,
            };
        }
        Ok(sum)
    }
}
