//! Generic sagas and generic helpers.

use super::{No, act, odd};
use saga_runtime::prelude::*;
use saga_tests::memory::World;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, marker::PhantomData};

odd! {
    WithATypeParameter<Twice>: |world| WithATypeParameter { world, price: Twice }, on 3;
    WithATypeParameter<Fixed<7>>: |world| WithATypeParameter { world, price: Fixed::<7> }, on 3;
    WithAConstParameter<2>: WithAConstParameter, on [1, 2];
    WithAConstParameter<0>: WithAConstParameter, on [];
    WithAWhereClause<String, u8>: WithAWhereClause::<String, u8>::new, on ("x".into(), 1);
    WithAWhereClause<Vec<Option<u8>>, [(); 1]>: WithAWhereClause::<_, [(); 1]>::new, on (vec![Some(1), None], [()]);
    WithAnAssociatedType<Twice>: |world| WithAnAssociatedType(world, Twice), on 4;
    WithHelpersOfItsOwn: WithHelpersOfItsOwn, on vec![3, 1, 2];
    GenericStepsByTrait<u16>: |world| GenericStepsByTrait(world, PhantomData), on vec![1, 2];
    WithDefaultsAndBounds: |world| WithDefaultsAndBounds(world, PhantomData), on Some(3), None;
}

/// What something costs.
trait Price: Send + Sync + 'static {
    /// A currency.
    type Money: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + Into<u64>;
    /// The least.
    const LEAST: u32;
    fn of(&self, n: u32) -> Self::Money;
}

/// Twice as much.
struct Twice;

impl Price for Twice {
    type Money = u64;
    const LEAST: u32 = 1;
    fn of(&self, n: u32) -> u64 {
        u64::from(n * 2)
    }
}

/// Always the same.
struct Fixed<const N: u16>;

impl<const N: u16> Price for Fixed<N> {
    type Money = u16;
    const LEAST: u32 = 2;
    fn of(&self, _: u32) -> u16 {
        N
    }
}

/// Generic over a client.
struct WithATypeParameter<P: Price> {
    world: World,
    price: P,
}

#[saga(name = "with_a_type_parameter")]
impl<P: Price> WithATypeParameter<P> {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<u64, Unwind<No>> {
        let money = self.price.of(n.max(P::LEAST));
        let paid = self.pay(cx, &money).await?;
        let more = largest(&[paid, P::LEAST]).copied().unwrap_or_default();
        cx.sleep("1s").await;
        Ok(Into::<u64>::into(money) + u64::from(more))
    }

    #[step]
    async fn pay(&self, cx: &StepContext, money: &P::Money) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.world, "pay", &format!("{money:?}")).await
    }

    #[compensate(pay)]
    async fn pay_back(&self, cx: &StepContext, money: &P::Money, paid: Outcome<u32>) -> Result<(), Transient> {
        let _ = (cx, money, paid);
        Ok(())
    }
}

/// A helper that is generic.
fn largest<T: Ord>(all: &[T]) -> Option<&T> {
    all.iter().max()
}

/// Generic over a number.
struct WithAConstParameter<const N: usize>(World);

#[saga(name = "with_a_const_parameter")]
impl<const N: usize> WithAConstParameter<N>
where
    [u32; N]: Serialize + DeserializeOwned,
{
    const TWICE: usize = N * 2;

    #[flow]
    async fn run(&self, cx: &FlowContext, all: [u32; N]) -> Result<(usize, u32), Unwind<No>> {
        let mut sum = 0;
        for n in &all {
            sum += self.add(cx, *n, &all).await?;
        }
        for _ in 0..Self::TWICE {
            #[state("twice")]
            self.add(cx, sum, &all).await?;
        }
        Ok((Self::TWICE, sum + all.iter().sum::<u32>()))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn add(&self, _cx: &StepContext, n: u32, all: &[u32; N]) -> Result<u32, Failure<No>> {
        act(&self.0, "add", &format!("{n}{all:?}")).await
    }
}

/// Generic over what it is given.
struct WithAWhereClause<T, U>
where
    T: 'static,
{
    world: World,
    of: PhantomData<fn(T) -> U>,
}

impl<T, U> WithAWhereClause<T, U> {
    fn new(world: World) -> Self {
        Self { world, of: PhantomData }
    }
}

#[saga(name = "with_a_where_clause")]
impl<T, U> WithAWhereClause<T, U>
where
    T: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static,
    U: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static,
{
    #[flow]
    async fn run(&self, cx: &FlowContext, pair: (T, U)) -> Result<Vec<(U, T)>, Unwind<No>> {
        let (t, u) = pair;
        let mut all = Vec::new();
        for turn in 0..2_u8 {
            if let Some(answer) = self.show(cx, &t, Some(&u)).await?.filter(|_| turn > 0) {
                all.push((answer, t.clone()));
            }
        }
        let swapped = Self::swap((t, u));
        all.push(swapped);
        Ok(all)
    }

    fn swap<A, B>((a, b): (A, B)) -> (B, A) {
        (b, a)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn show(&self, _cx: &StepContext, t: &T, u: Option<&U>) -> Result<Option<U>, Failure<No>> {
        act(&self.world, "show", &format!("{t:?}{u:?}")).await?;
        Ok(u.cloned())
    }
}

/// Locals whose type is a projection.
struct WithAnAssociatedType<P: Price>(World, P);

#[saga(name = "with_an_associated_type")]
impl<P> WithAnAssociatedType<P>
where
    P: Price<Money = u64>,
{
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<P::Money, Unwind<No>> {
        let mut all: Vec<<P as Price>::Money> = Vec::with_capacity(2);
        all.push(self.1.of(n));
        let last = self.money(cx, n).await?;
        all.push(last);
        cx.sleep("1s").await;
        Ok(all.into_iter().sum())
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn money(&self, _cx: &StepContext, n: u32) -> Result<<P as Price>::Money, Failure<No>> {
        act(&self.0, "money", &n.to_string()).await?;
        Ok(self.1.of(n))
    }
}

/// Helpers with parameters of their own.
struct WithHelpersOfItsOwn(World);

#[saga]
impl WithHelpersOfItsOwn {
    #[flow]
    async fn run(&self, cx: &FlowContext, numbers: Vec<u32>) -> Result<String, Unwind<No>> {
        let sorted = self.sorted(numbers, |n| std::cmp::Reverse(*n));
        let text = self.joined::<_, 2>(&sorted);
        self.act(cx, &text).await?;
        let pair = Self::first(sorted.iter().map(ToString::to_string)).map_or_else(|| (text, None), |n| (n, Some(1)));
        #[state("pair")]
        self.act(cx, &format!("{pair:?}")).await?;
        Ok(pair.0)
    }

    fn sorted<T, K: Ord>(&self, mut all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
        let _ = &self.0;
        all.sort_by_key(key);
        all
    }

    fn joined<T: ToString, const N: usize>(&self, all: &[T]) -> String {
        let _ = &self.0;
        all.iter().take(N).map(ToString::to_string).collect::<Vec<_>>().join("-")
    }

    fn first<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
        all.next()
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        act(&self.0, "act", what).await
    }
}

/// Something that a step can be asked for.
trait Item: Serialize + DeserializeOwned + Copy + Debug + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Copy + Debug + Send + Sync + 'static> Item for T {}

/// Generic through a trait of its own.
struct GenericStepsByTrait<T>(World, PhantomData<T>);

#[saga(name = "generic_steps_by_trait")]
impl<T: Item> GenericStepsByTrait<T> {
    #[flow]
    async fn run(&self, cx: &FlowContext, items: Vec<T>) -> Result<Option<T>, Unwind<No>> {
        let mut last = None;
        for item in items.iter().copied() {
            last = Some(self.same(cx, item).await?);
        }
        #[state("all")]
        let all = cx.join_all(&items, 2, |item| self.same(cx, *item)).await?;
        Ok(last.or(all.first().copied()))
    }

    #[step(no_compensation = "a test", idempotent = "a test", name = "same_item")]
    async fn same(&self, _cx: &StepContext, item: T) -> Result<T, Failure<No>> {
        act(&self.0, "same", &format!("{item:?}")).await?;
        Ok(item)
    }
}

/// With a parameter that has a default.
struct WithDefaultsAndBounds<T: Copy + 'static = u32>(World, PhantomData<fn() -> T>);

impl<T: Copy> WithDefaultsAndBounds<T> {
    const NONE: Option<T> = None;
}

#[saga(name = "with_defaults")]
impl WithDefaultsAndBounds {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: Option<u32>) -> Result<Option<u32>, Unwind<No>> {
        let none = Self::NONE;
        let Some(n) = n else { return Ok(none) };
        self.act(cx, n).await?;
        Ok(none.or(Some(n)))
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn act(&self, _cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        act(&self.0, "act", &n.to_string()).await
    }
}
