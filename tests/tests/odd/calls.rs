//! Calls in odd places: operands, arguments of each other, chains, branches, joins.

#![expect(
    clippy::cast_lossless,
    clippy::needless_borrow,
    clippy::single_match_else,
    reason = "that is what is odd here"
)]

use super::{No, Order, act, flow, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::World;

odd! {
    CallsInCalls: CallsInCalls, on "x".into(), "no".into();
    CallsAsOperands: CallsAsOperands, on 3;
    CallsInLiterals: CallsInLiterals, on 2;
    CallsInConditions: CallsInConditions, on 0, 1, 5;
    CallsInIndices: CallsInIndices, on vec![1, 2, 3];
    CallsBehindUnaryOperators: CallsBehindUnaryOperators, on 1;
    CallsInRanges: CallsInRanges, on 2;
    JoinsInBranches: JoinsInBranches, on order(1, &["a"]), order(2, &["no", "b"]), order(4, &[]);
    JoinsWithMovedArguments: JoinsWithMovedArguments, on order(3, &["x", "y"]);
    InnerFlowsInInnerFlows: InnerFlowsInInnerFlows, on 1, 4;
    AnInnerFlowThatDoesNothing: AnInnerFlowThatDoesNothing, on 2;
    StepsWithOddSignatures: StepsWithOddSignatures, on "x".into();
}

flow! { CallsInCalls [a b c]
    (self, cx, text: String) -> u32 {
        let n = self.a(cx, &self.b(cx, &self.c(cx, &text).await?.to_string()).await?.to_string()).await?;
        Ok(n)
    }
}

flow! { CallsAsOperands [a b c]
    (self, cx, n: u32) -> u32 {
        let sum = self.a(cx, "aa").await? * self.b(cx, "bbb").await? + n;
        let bits = (self.c(cx, "c").await? << 2) | n;
        #[state("cast")]
        let cast = self.a(cx, "cast").await? as u64;
        Ok(sum - bits + u32::try_from(cast).unwrap_or(0))
    }
}

flow! { CallsInLiterals [a b c]
    (self, cx, n: u32) -> (Order, [u32; 3], (u32, u32)) {
        let order = Order { id: self.a(cx, "id").await?, lines: Vec::new(), note: None };
        let array = [n, self.b(cx, "b").await?, self.c(cx, "ccc").await?];
        let pair = (
            { #[state("first")] self.a(cx, "first").await? },
            { #[state("second")] self.b(cx, "second").await? },
        );
        let more = { #[state("some")] Some(self.c(cx, "some").await?) };
        Ok((Order { id: order.id + more.unwrap_or(0), ..order }, array, pair))
    }
}

flow! { CallsInConditions [a b c]
    (self, cx, n: u32) -> u32 {
        if self.a(cx, &"a".repeat(n as usize)).await? > 2 || n == 0 {
            return Ok(1);
        }
        let both = self.b(cx, "b").await? == n && n > 0 || n == 7;
        let mut left = n;
        while left > 0 && self.c(cx, &left.to_string()).await.is_ok() && left < 9 {
            left -= 1;
        }
        Ok(u32::from(both) * 10 + left)
    }
}

flow! { CallsInIndices [a b]
    (self, cx, mut numbers: Vec<u32>) -> u32 {
        let first = numbers[self.a(cx, "a").await? as usize];
        let at = self.b(cx, "bb").await? as usize;
        numbers[at] += first;
        #[state("again")]
        let last = numbers.get(self.a(cx, "aa").await? as usize).copied();
        Ok(last.unwrap_or(0))
    }
}

flow! { CallsBehindUnaryOperators [a b c]
    (self, cx, n: u32) -> i64 {
        let negative = -i64::from(self.a(cx, "a").await?);
        let flipped = !self.b(cx, "b").await?;
        let borrowed = &self.c(cx, "c").await?;
        let copy = *borrowed;
        #[state("reference")]
        let by_reference = (&self.a(cx, "ref").await?).checked_add(n);
        Ok(negative + i64::from(flipped >> 30) + i64::from(copy) + by_reference.map_or(0, i64::from))
    }
}

flow! { CallsInRanges [a b]
    (self, cx, n: u32) -> Vec<u32> {
        let mut all = vec![];
        for i in n..self.a(cx, "aaaa").await? {
            all.push(i);
        }
        for i in 0..self.b(cx, "bb").await? {
            #[state("inside")]
            let more = self.a(cx, &i.to_string()).await?;
            all.push(more + i);
        }
        Ok(all)
    }
}

/// Joins in branches and in arms.
struct JoinsInBranches(World);

#[saga]
impl JoinsInBranches {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let sum = if let Some(note) = &order.note {
            let (x, y) = join!(self.act(cx, note), self.act(cx, "y")).await?;
            x + y
        } else {
            match order.lines.as_slice() {
                [first, .., last] => {
                    #[state("both")]
                    match join!(self.act(cx, first), self.other(last), self.act(cx, &order.id.to_string())).await {
                        Ok((x, (), z)) => x + z,
                        Err(Failure::Refused(No(why))) => u32::try_from(why.len()).unwrap_or(0),
                        Err(other) => return Err(other.into()),
                    }
                }
                [] | [_] => {
                    #[state("nobody")]
                    let all = cx.join_all(order.lines, 3, |line: String| self.owned(cx, line)).await?;
                    all.iter().sum()
                }
            }
        };
        let together = 'together: {
            if sum > 100 {
                break 'together 0;
            }
            #[state("in_a_block")]
            join!(self.act(cx, "in"), self.other("block"),).await?.0
        };
        Ok(sum + together)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn owned(&self, _cx: &StepContext, what: String) -> Result<u32, Failure<No>> {
        act(&self.0, "owned", &what).await
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn other(&self, what: &str) -> Result<(), Transient> {
        let _ = act(&self.0, "other", what).await;
        Ok(())
    }
}

/// Joins that take what they are given.
struct JoinsWithMovedArguments(World);

#[saga]
impl JoinsWithMovedArguments {
    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<(u32, Vec<u32>), Unwind<No>> {
        let Order { id, lines, note } = order;
        let first = lines[0].clone();
        let (x, y) = join!(self.act(cx, first, Some(id)), self.act(cx, note.unwrap_or_default(), None)).await?;
        let width = x + y;
        #[state("each")]
        let all = cx
            .join_all(lines.into_iter().enumerate().rev(), 2, |(i, line): (usize, String)| {
                self.act(cx, line, if i == 0 { Some(width) } else { None })
            })
            .await?;
        Ok((width, all))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: String, n: Option<u32>) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &format!("{what}{n:?}")).await
    }
}

/// Inner flows that call each other.
struct InnerFlowsInInnerFlows(World);

#[saga]
impl InnerFlowsInInnerFlows {
    #[flow(inner)]
    async fn innermost(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        Ok(self.act(cx, n).await? + n)
    }

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let mut n = n;
        while self.middle(cx, n, None).await? < 9 {
            n += 1;
        }
        #[state("once_more")]
        let (x, y) = join!(self.middle(cx, n, Some("x")), self.innermost(cx, n)).await?;
        Ok(x + y)
    }

    #[flow(inner)]
    async fn middle(&self, cx: &FlowContext, mut n: u32, text: Option<&str>) -> Result<u32, Unwind<No>> {
        for i in 0..2 {
            n += self.innermost(cx, i).await?;
        }
        let Some(text) = text else { return Ok(n) };
        Ok(n + u32::try_from(text.len()).unwrap_or(0))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }
}

/// An inner flow without a step.
struct AnInnerFlowThatDoesNothing(World);

#[saga]
impl AnInnerFlowThatDoesNothing {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let m = self.nothing(cx, n).await?;
        Ok(self.act(cx, m).await?)
    }

    #[flow(inner)]
    async fn nothing(&self, _cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        if n > 100 {
            return Err(No("many".into()).into());
        }
        Ok(std::convert::identity(n))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }
}

/// The context in any place, mutable parameters, boxes and tuples.
struct StepsWithOddSignatures(World);

#[saga]
impl StepsWithOddSignatures {
    #[flow]
    async fn run(&self, cx: &FlowContext, text: String) -> Result<u32, Unwind<No>> {
        let n = self.context_last(&text, 1, cx).await?;
        let m = self.context_between(&text, cx, (n, [n; 2])).await?;
        let k = self.mutable(cx, text, Box::new(m)).await?;
        self.nothing(cx).await?;
        self.nothing_at_all().await?;
        Ok(k)
    }

    #[step]
    async fn context_last(&self, text: &str, n: u32, cx: &StepContext) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "last", &format!("{text}{n}")).await
    }

    #[compensate(context_last)]
    async fn undo(&self, done: Outcome<u32>, n: u32, text: &str, cx: &StepContext) -> Result<(), Transient> {
        let _ = (done, n, text, cx);
        Ok(())
    }

    #[step(no_compensation = "a test")]
    async fn context_between(&self, text: &str, cx: &StepContext, pair: (u32, [u32; 2])) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "between", &format!("{text}{pair:?}")).await
    }

    #[step(no_compensation = "a test")]
    async fn mutable(&self, cx: &StepContext, mut text: String, mut n: Box<u32>) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        text.push('!');
        *n += 1;
        act(&self.0, "mutable", &format!("{text}{n}")).await
    }

    #[step(no_compensation = "a test")]
    async fn nothing(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        act(&self.0, "nothing", "").await?;
        Ok(())
    }

    #[step(read_only)]
    async fn nothing_at_all(&self) -> Result<(), Transient> {
        std::future::ready(Ok(())).await
    }
}
