//! Types of inputs, outputs, frames and arguments; aliases, `Self`, associated constants and types.

#![expect(clippy::needless_arbitrary_self_type, clippy::option_option, reason = "that is what is odd here")]

use super::{No, Order, act, flow, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::World;
use std::{borrow::Cow, collections::BTreeMap, num::NonZeroU8, rc::Rc, sync::Arc, time::Duration};

odd! {
    TupleAndUnitOutputs: TupleAndUnitOutputs, on ((), (1,));
    OptionsAndResultsInFrames: OptionsAndResultsInFrames, on Some(Some(1)), None;
    ResultsAsValues: ResultsAsValues, on Ok("x".into()), Err(3);
    BoxesAndCowsInFrames: BoxesAndCowsInFrames, on "x".into();
    ArraysInFrames: ArraysInFrames, on [[1, 2], [3, 4]];
    AliasesForEverything: AliasesForEverything, on 3;
    SelfAndItsConstants: SelfAndItsConstants, on 3;
    NumbersOfEverySize: NumbersOfEverySize, on (i8::MIN, u64::MAX);
    NewtypesAndNonZero: NewtypesAndNonZero, on NonZeroU8::MIN;
    ParenthesizedTypes: ParenthesizedTypes, on (1);
    SelfByItsType: SelfByItsType, on 1;
    DurationsAndChars: DurationsAndChars, on Duration::from_millis(1500);
    AFullTree: AFullTree, on BTreeMap::from([("a".into(), vec![order(1, &["x"])])]), BTreeMap::new();
    SharedBetweenSteps: SharedBetweenSteps, on 1;
}

flow! { TupleAndUnitOutputs [a b]
    (self, cx, input: ((), (u32,))) -> ((), (u32, (String,)), [(); 1]) {
        let (unit, (n,)) = input;
        let pair = (n, self.a(cx, "a").await?.to_string());
        self.b(cx, &pair.1).await?;
        Ok((unit, (pair.0, (pair.1,)), [unit]))
    }
}

flow! { OptionsAndResultsInFrames [a b]
    (self, cx, n: Option<Option<u32>>) -> (Option<u32>, Result<u32, String>) {
        let flat = n.flatten();
        let checked: Result<u32, String> = flat.ok_or_else(|| "none".to_owned());
        let answer: Result<u32, No> = self.a(cx, "a").await.map_err(|_| No("refused".into()));
        let kept = answer.as_ref().ok().copied();
        self.b(cx, &format!("{kept:?}")).await?;
        Ok((flat.or(kept), checked))
    }
}

flow! { ResultsAsValues [a b]
    (self, cx, input: Result<String, u32>) -> Result<u32, String> {
        let swapped = match input {
            Ok(text) => Err(text),
            Err(n) => Ok(n),
        };
        let n = self.a(cx, &format!("{swapped:?}")).await?;
        let wrapped = Some(Ok::<_, ()>(n));
        self.b(cx, "b").await?;
        if let Some(Ok(n)) = wrapped && n > 100 {
            return Ok(Err("many".into()));
        }
        Ok(swapped)
    }
}

flow! { BoxesAndCowsInFrames [a b]
    (self, cx, text: Box<str>) -> (Box<str>, Cow<'static, str>, Box<[u32]>) {
        let boxed: Box<Option<Box<u32>>> = Box::new(Some(Box::new(self.a(cx, &text).await?)));
        let cow: Cow<'static, str> = Cow::Owned(text.repeat(2));
        let slice: Box<[u32]> = vec![1, 2].into();
        self.b(cx, &format!("{boxed:?}{cow}")).await?;
        let n = boxed.map_or(0, |n| *n);
        Ok((text, cow + "!", slice.iter().map(|m| m + n).collect()))
    }
}

flow! { ArraysInFrames [a b]
    (self, cx, grid: [[u8; 2]; 2]) -> [u8; 4] {
        let [first, second] = grid;
        let empty: [u32; 0] = [];
        let all = [first, second].concat();
        self.a(cx, &format!("{all:?}{empty:?}")).await?;
        let texts = grid.map(|row| row.map(|n| n.to_string()));
        self.b(cx, &texts[1][0]).await?;
        let [[a, b], [c, d]] = texts.map(|row| row.map(|text| text.parse().unwrap_or(first[0] + second[0])));
        Ok([a, b, c, d])
    }
}

/// How it ends.
type End<T = u32, R = No> = Result<T, Unwind<R>>;
/// What a step says.
type Answer<T> = Result<T, Failure<Refused>>;
/// What an undo says.
type Undone = Result<(), Transient>;
/// The refusal.
type Refused = No;
/// A number.
type Number = u32;
/// Numbers.
type Numbers = Vec<Number>;

/// Nothing is called by its own name.
struct AliasesForEverything(World);

#[saga]
impl AliasesForEverything {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: Number) -> End<Numbers> {
        let all = Numbers::from([self.act(cx, n).await?]);
        let part: End = self.part(cx, &all).await;
        Ok([all, vec![part?]].concat())
    }

    #[flow(inner)]
    async fn part(&self, cx: &FlowContext, all: &[Number]) -> End {
        let n = all.iter().sum();
        let m = self.act_in_part(cx, n).await?;
        Ok(m)
    }

    #[step]
    async fn act(&self, cx: &StepContext, n: Number) -> Answer<Number> {
        let _ = cx.key();
        act(&self.0, "act", &n.to_string()).await
    }

    #[compensate(act)]
    async fn undo(&self, cx: &StepContext, done: Outcome<Number>) -> Undone {
        let _ = (cx, done);
        Ok(())
    }

    #[step(no_compensation = "a test")]
    async fn act_in_part(&self, cx: &StepContext, n: Number) -> Answer<Number> {
        let _ = cx.key();
        act(&self.0, "in part", &n.to_string()).await
    }
}

/// Constants and functions by `Self`.
struct SelfAndItsConstants(World);

/// Something with an associated type.
trait Kind {
    /// What it is about.
    type Of;
}

impl Kind for SelfAndItsConstants {
    type Of = String;
}

#[saga]
impl SelfAndItsConstants {
    const TEXTS: [&'static str; 2] = ["zero", "one"];
    const MOST: u32 = Self::twice(3);
    #[signal]
    const STOP: Signal<Self, u32> = Signal::new("stop");

    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<<Self as Kind>::Of, Unwind<No>> {
        let n = n.min(Self::MOST);
        let mut text: <Self as Kind>::Of = Self::TEXTS[n as usize % 2].into();
        match n {
            Self::MOST => text.push('!'),
            0..Self::MOST => text += &self.act(cx, &text).await?.to_string(),
            _ => {}
        }
        let stop = cx.wait(Self::STOP).within("1m").await.unwrap_or(Self::MOST);
        #[state("last")]
        self.act(cx, &stop.to_string()).await?;
        Ok(text + Self::TEXTS[1])
    }

    const fn twice(n: u32) -> u32 {
        n * 2
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

flow! { NumbersOfEverySize [a b]
    (self, cx, input: (i8, u64)) -> (i8, u64, i128, usize, f64, bool) {
        let (small, large) = input;
        let huge = i128::from(large) * i128::from(small);
        let size = usize::from(small.unsigned_abs());
        let float = f64::from(small) / 4.0;
        let truth = small < 0;
        self.a(cx, &format!("{huge}")).await?;
        let small = small.wrapping_sub(1);
        self.b(cx, &format!("{float:e}{truth}")).await?;
        Ok((small, large, huge, size, float, truth))
    }
}

flow! { NewtypesAndNonZero [a b]
    (self, cx, n: NonZeroU8) -> (NonZeroU8, u32) {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        struct Cents(u32);
        impl std::ops::Add for Cents {
            type Output = Self;
            fn add(self, more: Self) -> Self {
                Self(self.0 + more.0)
            }
        }
        let price = Cents(self.a(cx, "a").await?);
        let sum = price + Cents(u32::from(n.get()));
        self.b(cx, &format!("{sum:?}")).await?;
        let Cents(most) = sum.max(price);
        Ok((n, most))
    }
}

/// Types in parentheses.
struct ParenthesizedTypes(World);

#[saga]
impl ParenthesizedTypes {
    #[flow]
    #[expect(unused_parens, reason = "that is what is odd here")]
    async fn run(&self, cx: &(FlowContext), n: (u32)) -> (Result<(u32), (Unwind<(No)>)>) {
        let m: (u32) = (self.act(cx, &(n)).await?);
        Ok(m)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    #[expect(unused_parens, reason = "that is what is odd here")]
    async fn act(&self, _cx: &StepContext, n: &(u32)) -> (Result<(u32), (Failure<No>)>) {
        act(&self.0, "act", &n.to_string()).await
    }
}

/// Receivers that are written out.
struct SelfByItsType(World);

#[saga]
impl SelfByItsType {
    #[flow]
    async fn run(self: &Self, cx: &FlowContext, n: u32) -> Result<u32, Unwind<No>> {
        let this = self;
        let n = this.more() + n;
        let m = self.act(cx, n).await?;
        Ok(m + SelfByItsType::more(self))
    }

    fn more(self: &Self) -> u32 {
        let _ = &self.0;
        5
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(self: &Self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }
}

flow! { DurationsAndChars [a]
    (self, cx, span: Duration) -> (char, Duration) {
        let long = span * 2;
        cx.sleep(long).await;
        let c = char::from_digit(self.a(cx, "abc").await?, 10).unwrap_or('x');
        #[state("again")]
        cx.sleep(span).await;
        Ok((c, long.saturating_sub(span)))
    }
}

flow! { AFullTree [a b]
    (self, cx, tree: BTreeMap<String, Vec<Order>>) -> BTreeMap<String, BTreeMap<u32, Option<String>>> {
        let mut out = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (key, orders) in tree {
            for order in &orders {
                self.a(cx, &order.lines.join("")).await?;
                out.entry(key.clone()).or_default().insert(order.id, order.note.clone());
            }
            self.b(cx, &format!("{key}{}", orders.len())).await?;
        }
        Ok(out)
    }
}

flow! { SharedBetweenSteps [a b]
    (self, cx, n: u32) -> u32 {
        let shared = Arc::new(n);
        let other = Arc::clone(&shared);
        let count = Arc::strong_count(&other);
        let n = *shared + *other;
        drop((shared, other));
        let m = self.a(cx, &count.to_string()).await?;
        let local = Rc::new(std::cell::Cell::new(n));
        local.set(local.get() + 1);
        let n = local.get();
        drop(local);
        self.b(cx, &n.to_string()).await?;
        Ok(n + m)
    }
}
