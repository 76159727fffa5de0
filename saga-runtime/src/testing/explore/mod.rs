//! Every history of one instance.

mod choices;
mod faults;
mod history;
mod judge;
mod report;
mod time;

pub use self::report::{Counterexample, Explored};

use self::{
    choices::{Choices, parse},
    history::{Left, Limits, MayCome, MayRefuse, Rest, Shared, run},
    judge::Judge,
    report::Coverage,
};
use crate::{
    Refusal, Signal,
    definition::Class,
    machine::{Persist, Saga, encode},
    runtime::Builder,
    store::memory::Memory,
};
use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    fmt::Debug,
    hash::{Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};

/// Explores what can happen to one instance of a saga: every history with at most two faults, unless told otherwise.
///
/// `make` makes the saga and, each time anew, the participants that its steps call: in memory, and without waiting for anything but
/// each other. The engine runs the instance as in earnest, on a store in memory, and everything that can go one way or another goes
/// both: each attempt of a step goes well, is refused ([`refuses`](Explore::refuses)), does not reach its participant, takes effect
/// and loses its answer, or panics after its effect; the worker is killed before and after each commit; a cancel comes after each of
/// them; a signal that is waited for comes ([`signal`](Explore::signal)) or does not. What is parked is tried again by somebody.
///
/// Of each history it asks what no fault may change:
///
/// - it ends: what its participants do not refuse for ever, by themselves, is not parked in the end;
/// - all or none: the participants are as they are after any other history in which the same calls stand, with the same arguments and
///   answers ([`state`](Explore::state)): where everything was undone, as they were before;
/// - everything that [`verify`](crate::verify::verify) asks, with what the participants accepted as its ledger: what is undone is undone
///   in the reverse order, and nothing after the pivot; nothing is called before that is durable; the journal is without gaps, and
///   says what the store says;
/// - what the test itself asks ([`invariant`](Explore::invariant)).
///
/// Not among the histories are a request that arrives after its own undo, a signal that comes before it is waited for, branches of a
/// join that end in another order than they do by themselves, and several instances. Transactional steps need a store with
/// transactions, which this one is not. Participants must not use tokio's time, nor wait for another thread.
///
/// ```
/// use saga_runtime::{prelude::*, testing::explore};
/// use std::{collections::BTreeMap, sync::{Arc, Mutex}};
/// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
/// # enum No { SoldOut }
///
/// /// A shop in memory: what is held, by the key of the call.
/// #[derive(Clone, Default)]
/// struct Shop(Arc<Mutex<BTreeMap<String, u32>>>);
///
/// struct Order { shop: Shop }
///
/// #[saga(name = "order")]
/// impl Order {
///     #[flow]
///     async fn run(&self, cx: &FlowContext, pieces: u32) -> Result<(), Unwind<No>> {
///         self.hold(cx, pieces).await?;
///         self.pay(cx, pieces).await?;
///         Ok(())
///     }
///
///     #[step]
///     async fn hold(&self, cx: &StepContext, pieces: u32) -> Result<(), Failure<No>> {
///         self.shop.0.lock().unwrap().insert(cx.key().into(), pieces);
///         Ok(())
///     }
///
///     #[compensate(hold)]
///     async fn give_back(&self, cx: &StepContext) -> Result<(), Transient> {
///         self.shop.0.lock().unwrap().remove(cx.undoes().unwrap_or_default());
///         Ok(())
///     }
///
///     #[step(pivot)]
///     async fn pay(&self, cx: &StepContext, pieces: u32) -> Result<(), Failure<No>> {
///         self.shop.0.lock().unwrap().insert(cx.key().into(), 100 * pieces);
///         Ok(())
///     }
/// }
///
/// let make = || {
///     let shop = Shop::default();
///     (Order { shop: shop.clone() }, shop)
/// };
/// let explored = explore(3, make) // 3 is the saga's input
///     .state(|shop: &Shop| shop.0.lock().unwrap().values().copied().collect::<Vec<_>>())
///     .refuses("pay", No::SoldOut)
///     .run()?;
/// assert!(explored.histories() > 50, "{explored}");
/// # Ok::<(), saga_runtime::testing::Counterexample>(())
/// ```
pub fn explore<S: Saga, W>(input: S::Input, make: impl Fn() -> (S, W) + 'static) -> Explore<S, W>
where
    S::Input: Clone,
{
    Explore {
        input,
        make: Box::new(make),
        state: None,
        invariants: Vec::new(),
        refusals: Vec::new(),
        signals: Vec::new(),
        more: Vec::new(),
        faults: 2,
        turns: 3,
        most: 200_000,
        cancels: true,
        replay: None,
    }
}

/// What the participants look like, as a text.
type Look<W> = Arc<dyn Fn(&W) -> String + Send + Sync>;

/// What the runtime has besides.
type More<W> = Box<dyn Fn(Builder, &W) -> Builder>;

/// What the test asks of the participants at the end of a history, beside what is asked anyway.
type Asks<W> = Box<dyn Fn(&W, &Ending) -> Result<(), String>>;

/// How a history ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The flow returned `Ok`.
    Completed,
    /// What completed was undone.
    Compensated,
    /// It needs a person, and trying again did not help.
    Parked,
    /// It waits for what never comes.
    Waits,
}

/// An exploration that is about to begin: [`explore`].
#[must_use = "nothing is explored before `run()`"]
pub struct Explore<S: Saga, W> {
    input: S::Input,
    make: Box<dyn Fn() -> (S, W)>,
    state: Option<Look<W>>,
    invariants: Vec<Asks<W>>,
    refusals: Vec<MayRefuse>,
    signals: Vec<MayCome<S>>,
    more: Vec<More<W>>,
    faults: usize,
    turns: usize,
    most: usize,
    cancels: bool,
    replay: Option<Box<str>>,
}

impl<S: Saga, W: Send + Sync + 'static> Explore<S, W>
where
    S::Input: Clone,
{
    /// What of the participants has to be as if no fault had happened, e.g. stocks and balances: not what they remember of keys, and
    /// not in which order things arrived. Whatever an [`invariant`](Self::invariant) looks at has to be in it. It is compared as it
    /// prints, so a `BTreeMap` is right where a `HashMap` is not.
    ///
    /// Without it, all or none is not asked, and no two moments are known to be equal, so that more histories are run.
    pub fn state<T: Debug>(self, state: impl Fn(&W) -> T + Send + Sync + 'static) -> Self {
        Self { state: Some(Arc::new(move |world| format!("{:#?}", state(world)))), ..self }
    }

    /// What else has to be so at the end of every history; an error says what is not.
    pub fn invariant(mut self, asks: impl Fn(&W, &Ending) -> Result<(), String> + 'static) -> Self {
        self.invariants.push(Box::new(asks));
        self
    }

    /// The step of this name may be refused with this, in place of whatever its participant would say.
    ///
    /// # Panics
    /// The saga has no such step, or the step cannot be refused, or the refusal cannot be written as JSON.
    #[expect(clippy::needless_pass_by_value, reason = "it is made for this, and reads so")]
    pub fn refuses<R: Refusal + Persist>(mut self, step: &str, refusal: R) -> Self {
        let Some((_, step)) = S::DEFINITION.step(step) else {
            let known: Vec<_> = S::DEFINITION.steps.iter().map(|step| step.name).collect();
            panic!("saga `{}` has no step `{step}`; it has {}", S::DEFINITION.name, known.join(", "));
        };
        assert!(
            step.class != Class::Retriable,
            "step `{}` is retriable: it cannot be refused, and its saga could not take that back",
            step.name
        );
        match encode(&refusal) {
            Ok(json) => self.refusals.push(MayRefuse { step: step.name, json }),
            Err(error) => panic!("the refusal of step `{}` cannot be written as JSON: {}", step.name, error.0),
        }
        self
    }

    /// This signal may come while it is waited for. Several of one name, with other values, may come instead of each other.
    ///
    /// # Panics
    /// The value cannot be written as JSON.
    pub fn signal<T: Persist + Clone + Send + Sync + 'static>(mut self, signal: Signal<S, T>, value: T) -> Self {
        let name = signal.name();
        let what = match encode(&value) {
            Ok(json) => format!("signal `{name}` {json}"),
            Err(error) => panic!("the value of signal `{name}` cannot be written as JSON: {}", error.0),
        };
        let send = move |handle: crate::Handle<S>| {
            let value = value.clone();
            Box::pin(async move { handle.signal(signal, value).await }) as history::Asking
        };
        self.signals.push(MayCome { name, what: what.into(), send: Arc::new(send) });
        self
    }

    /// What the runtime has besides: other sagas that this one calls, with the same participants, and named policies. Their steps go
    /// well unless their participants say otherwise; the worker that runs them is killed like any other.
    pub fn with(mut self, more: impl Fn(Builder, &W) -> Builder + 'static) -> Self {
        self.more.push(Box::new(more));
        self
    }

    /// At most so many faults in a history: 2 unless told. A cancel counts as one; a refusal and a signal do not.
    pub fn faults(self, faults: usize) -> Self {
        Self { faults, ..self }
    }

    /// A history is left once a call is made, or a signal comes, more often than this in one place: 3 unless told.
    pub fn turns(self, turns: usize) -> Self {
        Self { turns, ..self }
    }

    /// At most so many histories: 200,000 unless told. Whether that was enough is in what comes back.
    pub fn at_most(self, histories: usize) -> Self {
        Self { most: histories, ..self }
    }

    /// Nobody cancels it.
    pub fn without_cancels(self) -> Self {
        Self { cancels: false, ..self }
    }

    /// This history alone, as a [`Counterexample`] names it.
    pub fn replay(self, history: &str) -> Self {
        Self { replay: Some(history.into()), ..self }
    }

    /// Runs every history, those with fewer faults first, and says what was covered, or the first history that broke a promise.
    ///
    /// It takes the thread until it is done, and is to be called outside of any other runtime: in a plain `#[test]`.
    ///
    /// # Errors
    /// A history broke a promise.
    ///
    /// # Panics
    /// Within an asynchronous task; or [`replay`](Self::replay) was given what names no history.
    pub fn run(self) -> Result<Explored, Counterexample> {
        let mut judge = Judge::default();
        let mut coverage = Coverage::of(S::DEFINITION, self.faults, self.turns);
        if let Some(history) = &self.replay {
            // What the participants are to look like is what they look like without faults, or in the history before the `+`.
            self.all(0, &mut judge, &mut coverage)?;
            for history in history.split('+') {
                let Some(prefix) = parse(history) else { panic!("`{history}` names no history") };
                self.one(Choices::only(prefix), &mut judge, &mut coverage, &Arc::default())?;
            }
            return Ok(coverage.into());
        }
        for faults in 0..=self.faults {
            self.all(faults, &mut judge, &mut coverage)?;
        }
        Ok(coverage.into())
    }

    /// Every history with at most so many faults.
    fn all(&self, faults: usize, judge: &mut Judge, coverage: &mut Coverage) -> Result<(), Counterexample> {
        let mut choices = Choices::with_faults(faults);
        let known = Arc::default();
        loop {
            if coverage.histories >= self.most {
                coverage.enough = false;
                return Ok(());
            }
            choices = self.one(choices, judge, coverage, &known)?;
            if !choices.next() {
                return Ok(());
            }
        }
    }

    fn one(
        &self,
        choices: Choices,
        judge: &mut Judge,
        coverage: &mut Coverage,
        known: &Arc<Seen>,
    ) -> Result<Choices, Counterexample> {
        let (saga, world) = (self.make)();
        let (world, store) = (Arc::new(world), Arc::new(Memory::default()));
        let differs = self.state.as_ref().and_then(|look| judge.begins(&look(&world)));
        let looks = self.looks(&world, &store, known);
        let limits = Limits { refusals: self.refusals.clone(), turns: self.turns, cancels: self.cancels };
        let shared = Arc::new(Shared::new(choices, limits, Arc::clone(&store), S::DEFINITION.name, looks));
        let more = |builder| self.more.iter().fold(builder, |builder, more| more(builder, &world));
        let seen = run(&shared, &store, saga, &self.input, &self.signals, &more);
        if let Rest::Unstarted(error) = &seen.rest {
            panic!("saga `{}` cannot be explored: {error}", S::DEFINITION.name);
        }
        let left = shared.left();
        let Some(shared) = Arc::into_inner(shared) else {
            panic!("something of a history goes on after its end");
        };
        let (choices, efforts) = shared.into_parts();
        coverage.add(&seen, left);
        if left == Some(Left::Turns) && choices.told().next().is_none() {
            let what = format!(
                "the history in which nothing goes wrong makes a call more than {} times: `.turns(..)`, or a smaller input",
                self.turns
            );
            let broken = judge::Broken::new("there is something to explore", what);
            return Err(Counterexample::new(S::DEFINITION.name, broken, &choices, seen));
        }
        if left.is_some() && choices.strayed().is_none() {
            return Ok(choices);
        }
        let state = self.state.as_ref().map(|look| look(&world));
        if let Some(strayed) = choices.strayed() {
            let what =
                format!("{strayed}: the participants, or the saga, depend on something that is another each time");
            let broken = judge::Broken::new("the same choices lead to the same history", what);
            return Err(Counterexample::new(S::DEFINITION.name, broken, &choices, seen));
        }
        let history = (&*choices.to_string(), choices.faults());
        let broken = differs.or_else(|| judge.judge(S::DEFINITION, &seen, &efforts, state.as_deref(), history));
        let broken = broken.or_else(|| {
            let ending = judge::ending(&seen);
            let asked = self.invariants.iter().find_map(|asks| asks(&world, &ending).err());
            asked.map(|what| judge::Broken::new("what the test asks", what))
        });
        match broken {
            None => Ok(choices),
            Some(broken) => Err(Counterexample::new(S::DEFINITION.name, broken, &choices, seen)),
        }
    }

    /// Tells whether everything looks as it did before with as many faults to come.
    fn looks(&self, world: &Arc<W>, store: &Arc<Memory>, known: &Arc<Seen>) -> history::Known {
        let Some(state) = self.state.clone() else { return Box::new(|_, _| false) };
        let (world, store, known) = (Arc::clone(world), Arc::clone(store), Arc::clone(known));
        Box::new(move |at, left| {
            let mut hasher = DefaultHasher::new();
            (at, state(&world)).hash(&mut hasher);
            judge::timeless(&store, &mut hasher);
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = known.entry(hasher.finish()).or_insert(0);
            if *seen > left {
                return true;
            }
            *seen = left + 1;
            false
        })
    }
}

/// For everything that was seen: how many faults there could still be, and one more.
type Seen = Mutex<HashMap<u64, usize>>;
