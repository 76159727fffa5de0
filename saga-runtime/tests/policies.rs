//! Policies by name: what a breaker, a bulkhead or a rate limit refuses is no attempt (docs/semantics.md, rule 27), and whoever
//! waits for one keeps nobody else from running (rule 23). Time stands still unless a test moves it.

#![cfg(feature = "rate")]

use saga_runtime::{
    Builder, Settled,
    definition::Retry,
    policy::{Breaker, BreakerState, PolicyStatus},
    prelude::*,
    runtime::{ParkCause, Point, Progress},
    store::memory::Memory,
    testing::ManualClock,
};
use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// What the participant does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Failing,
    /// Well to those who are inside, and failing to everybody else.
    FailingNext,
    /// Well to those who are inside, and hanging to everybody else.
    HangingNext,
    /// Answers nobody until its mood has changed.
    Hanging,
}

#[derive(Debug, Default)]
struct Seen {
    /// Who called, in order, and for which attempt.
    calls: Vec<(String, u32)>,
    inside: usize,
    most_inside: usize,
}

/// A participant that many sagas call.
#[derive(Debug, Clone)]
struct Participant {
    mood: watch::Sender<Mood>,
    seen: Arc<Mutex<Seen>>,
}

impl Participant {
    fn new(mood: Mood) -> Self {
        Self { mood: watch::Sender::new(mood), seen: Arc::default() }
    }

    fn seen<T>(&self, of: impl FnOnce(&mut Seen) -> T) -> T {
        of(&mut self.seen.lock().expect("nobody panics with it"))
    }

    fn calls(&self) -> usize {
        self.seen(|seen| seen.calls.len())
    }

    async fn call(&self, cx: &StepContext) -> Result<(), Transient> {
        /// An attempt that is given up leaves, too.
        struct Inside<'a>(&'a Participant);
        impl Drop for Inside<'_> {
            fn drop(&mut self) {
                self.0.seen(|seen| seen.inside -= 1);
            }
        }
        self.seen(|seen| {
            seen.calls.push((cx.instance().into(), cx.attempt()));
            seen.inside += 1;
            seen.most_inside = seen.most_inside.max(seen.inside);
        });
        let _inside = Inside(self);
        let mut mood = self.mood.subscribe();
        if *mood.borrow() == Mood::FailingNext {
            return Err(Transient::new("broken"));
        }
        let hangs = *mood.borrow() == Mood::HangingNext;
        let over = |mood: &Mood| if hangs { *mood == Mood::Well } else { *mood != Mood::Hanging };
        let mood = *mood.wait_for(over).await.expect("the participant is there");
        if mood == Mood::Failing { Err(Transient::new("broken")) } else { Ok(()) }
    }
}

/// Calls the participant, and takes it back if it is told to.
#[derive(Debug, Clone)]
struct Guarded(Participant);

#[saga(name = "guarded")]
impl Guarded {
    #[flow]
    async fn run(&self, cx: &FlowContext, refuse: bool) -> Result<(), Unwind<No>> {
        self.call(cx).await?;
        if refuse {
            return Err(Unwind::Refused(No));
        }
        Ok(())
    }

    #[step(policy = "shared", deadline = "1h")]
    async fn call(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        Ok(self.0.call(cx).await?)
    }

    #[compensate(call, policy = "undoing", within = "2h", timeout = "1h")]
    async fn take_back(&self, cx: &StepContext, call: Outcome<()>) -> Result<(), Transient> {
        if call.is_unknown() { Ok(()) } else { self.0.call(cx).await }
    }
}

/// Calls nobody who is slow.
#[derive(Debug)]
struct Free;

#[saga(name = "free")]
impl Free {
    #[flow]
    async fn run(&self, cx: &FlowContext, _number: usize) -> Result<(), Unwind<No>> {
        self.work(cx).await?;
        self.work_again(cx).await?;
        Ok(())
    }

    #[step(no_compensation = "nothing to take back")]
    async fn work(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        tokio::task::yield_now().await;
        Ok(())
    }

    #[step(pivot)]
    async fn work_again(&self, cx: &StepContext) -> Result<(), Failure<No>> {
        let _ = cx.key();
        tokio::task::yield_now().await;
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, Refusal)]
struct No;

struct Lab {
    store: Arc<Memory>,
    clock: Arc<ManualClock>,
    participant: Participant,
}

impl Lab {
    fn new(mood: Mood) -> Self {
        Self { store: Arc::default(), clock: Arc::default(), participant: Participant::new(mood) }
    }

    /// Four instances may run forward at a time.
    async fn runtime(&self, shared: NamedPolicy, undoing: NamedPolicy) -> Runtime {
        self.builder(shared, undoing).start().await.expect("it starts")
    }

    fn builder(&self, shared: NamedPolicy, undoing: NamedPolicy) -> Builder {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let builder = Runtime::builder().shared_store(store).clock(clock).seed(1).concurrency(4);
        let builder = builder.register(Guarded(self.participant.clone())).register(Free);
        builder.policy("shared", shared).policy("undoing", undoing)
    }

    /// Its end, while time goes by.
    async fn ends(&self, saga: &Handle<Guarded>) -> End<(), No> {
        self.while_time_passes(ended(saga)).await
    }

    async fn while_time_passes<T>(&self, waited: impl Future<Output = T>) -> T {
        tokio::pin!(waited);
        loop {
            tokio::select! {
                end = &mut waited => return end,
                () = tokio::time::sleep(Duration::from_millis(1)) => self.clock.advance(Duration::from_mins(1)),
            }
        }
    }

    /// Lets time go by until it is so.
    async fn passes(&self, span: Duration, so: impl Fn() -> bool) {
        eventually(|| {
            if !so() {
                self.clock.advance(span);
            }
            so()
        })
        .await;
    }
}

/// Waits until it is so, without the sagas' time going by.
async fn eventually(mut so: impl FnMut() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waited).await.expect("it comes to that");
}

/// Long enough for whatever would happen if it could.
async fn a_while() {
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn ended<S: Saga>(saga: &Handle<S>) -> End<S::Output, S::Refusal> {
    let ended = tokio::time::timeout(Duration::from_mins(1), saga.result()).await;
    ended.expect("it ends").expect("the store answers")
}

async fn start(runtime: &Runtime, count: usize) -> Vec<Handle<Guarded>> {
    let mut sagas = Vec::new();
    for number in 0..count {
        sagas.push(runtime.start::<Guarded>(format!("{number:03}"), false).await.expect("it is started"));
    }
    sagas
}

fn shared(runtime: &Runtime) -> PolicyStatus {
    runtime.policies().into_iter().find(|policy| &*policy.name == "shared").expect("it is defined")
}

const SECOND: Duration = Duration::from_secs(1);
const PLENTY: NamedPolicy = NamedPolicy::new();

fn patient() -> NamedPolicy {
    NamedPolicy::new().timeout(Duration::from_hours(1))
}

#[tokio::test]
async fn a_participant_that_hangs_fills_its_bulkhead_and_nothing_else() {
    let lab = Lab::new(Mood::Hanging);
    let runtime = lab.runtime(patient().bulkhead(2), PLENTY).await;
    // More than may wait in memory.
    let stuck = start(&runtime, 100).await;
    eventually(|| shared(&runtime).waiting == 98).await;
    assert_eq!((shared(&runtime).in_flight, lab.participant.calls()), (2, 2));
    for round in 0..2 {
        for number in 0..100 {
            let free = runtime.start::<Free>(format!("{round} {number}"), number).await.expect("it is started");
            assert!(matches!(ended(&free).await, End::Completed(())));
        }
        // In the second round nobody waits in memory any more.
        lab.clock.advance(Duration::from_secs(2));
        eventually(|| runtime.running() == 2).await;
    }
    assert_eq!((shared(&runtime).waiting, lab.participant.calls()), (98, 2));
    let status = stuck[99].status().await.expect("the store answers");
    assert_eq!(status.reason.as_deref(), Some("waits for policy `shared`: its bulkhead is full"));
    assert_eq!(stuck[0].status().await.expect("the store answers").reason, None);

    lab.participant.mood.send_replace(Mood::Well);
    for saga in &stuck {
        assert!(matches!(ended(saga).await, End::Completed(())));
    }
    lab.participant.seen(|seen| {
        assert_eq!(seen.most_inside, 2);
        assert!(seen.calls.iter().all(|(_, attempt)| *attempt == 1), "waiting is no attempt: {:?}", seen.calls);
        assert_eq!(seen.calls.len(), 100);
    });
    let status = shared(&runtime);
    assert_eq!((status.in_flight, status.waiting, status.admitted, status.refused), (0, 0, 100, 98));
}

#[tokio::test]
async fn those_who_wait_are_let_in_as_they_came_be_it_in_memory_or_in_the_store() {
    let lab = Lab::new(Mood::Hanging);
    let runtime = lab.runtime(patient().bulkhead(1), PLENTY).await;
    let mut sagas = Vec::new();
    for number in 0..20 {
        sagas.push(runtime.start::<Guarded>(format!("{number:03}"), false).await.expect("it is started"));
        // One comes after the other, and some have gone to sleep before others come.
        eventually(|| shared(&runtime).admitted + shared(&runtime).refused == number + 1).await;
        if number == 9 {
            lab.clock.advance(Duration::from_secs(2));
            eventually(|| runtime.running() == 1).await;
        }
    }
    lab.participant.mood.send_replace(Mood::Well);
    for saga in &sagas {
        assert!(matches!(ended(saga).await, End::Completed(())));
    }
    let order: Vec<_> = lab.participant.seen(|seen| seen.calls.iter().map(|(who, _)| who.clone()).collect());
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted);
}

#[tokio::test]
async fn what_an_open_breaker_refuses_is_no_attempt_and_one_probe_closes_it() {
    let lab = Lab::new(Mood::Failing);
    let retry = Retry { initial: Duration::ZERO, attempts: Some(7), ..Retry::DEFAULT };
    let policy = patient().breaker(Breaker::after(3).open(Duration::from_secs(30))).retry(retry);
    let runtime = lab.runtime(policy, PLENTY).await;
    let sagas = start(&runtime, 30).await;
    eventually(|| shared(&runtime).waiting == 30).await;
    let before = lab.participant.calls();
    // Those that were under way when it opened have ended; everybody has asked since, and nobody was let through.
    assert!((3..=6).contains(&before), "{before}");
    assert!(matches!(shared(&runtime).breaker, Some(BreakerState::Open { .. })));
    lab.participant.mood.send_replace(Mood::Hanging);
    lab.clock.advance(Duration::from_secs(29));
    a_while().await;
    assert_eq!(lab.participant.calls(), before);
    lab.clock.advance(Duration::from_secs(1));
    eventually(|| lab.participant.calls() == before + 1).await;
    // Even those whose own time to look has come stay out.
    lab.clock.advance(Duration::from_mins(5));
    a_while().await;
    assert_eq!((lab.participant.calls(), shared(&runtime).in_flight), (before + 1, 1));
    assert_eq!(shared(&runtime).breaker, Some(BreakerState::HalfOpen));
    lab.participant.mood.send_replace(Mood::Well);
    for saga in &sagas {
        assert!(matches!(ended(saga).await, End::Completed(())), "no refusal used up an attempt");
    }
    assert_eq!(shared(&runtime).breaker, Some(BreakerState::Closed));
    let mut attempts: HashMap<String, u32> = HashMap::new();
    for (who, attempt) in lab.participant.seen(|seen| seen.calls.clone()) {
        let last = attempts.entry(who).or_default();
        assert_eq!(attempt, *last + 1, "attempts are numbered without a gap");
        *last = attempt;
    }
}

#[tokio::test]
async fn a_rate_lets_attempts_begin_one_share_of_its_span_after_the_other() {
    let lab = Lab::new(Mood::Well);
    let runtime = lab.runtime(NamedPolicy::new().rate(3, Duration::from_mins(3)), PLENTY).await;
    let sagas = start(&runtime, 10).await;
    for more in 0..8 {
        eventually(|| lab.participant.calls() == 3 + more).await;
        a_while().await;
        assert_eq!(lab.participant.calls(), 3 + more);
        lab.clock.advance(Duration::from_mins(1));
    }
    for saga in &sagas {
        assert!(matches!(ended(saga).await, End::Completed(())));
    }
}

#[tokio::test]
async fn a_policy_that_is_changed_holds_for_the_next_attempt_and_leaves_the_others_alone() {
    let lab = Lab::new(Mood::Hanging);
    let runtime = lab.runtime(patient().bulkhead(2), PLENTY).await;
    let sagas = start(&runtime, 6).await;
    eventually(|| shared(&runtime).waiting == 4).await;
    runtime.set_policy("shared", patient().bulkhead(3)).expect("it is there");
    eventually(|| lab.participant.calls() == 3).await;
    let brief = NamedPolicy::new().timeout(Duration::from_secs(5)).bulkhead(4);
    runtime.set_policy("shared", brief).expect("it is there");
    eventually(|| lab.participant.calls() == 4).await;
    assert_eq!(shared(&runtime).limits, brief);
    // Only the fourth has the new timeout; its room is the fifth's, and so on.
    lab.passes(Duration::from_secs(1), || lab.participant.calls() > 5).await;
    lab.participant.seen(|seen| {
        let again = seen.calls[3..].iter().filter(|(who, _)| seen.calls[..3].iter().any(|(first, _)| first == who));
        assert_eq!(again.count(), 0, "those that were in flight still are: {:?}", seen.calls);
    });
    eventually(|| shared(&runtime).in_flight == 4).await;
    lab.participant.mood.send_replace(Mood::Well);
    for saga in &sagas {
        assert!(matches!(lab.ends(saga).await, End::Completed(())));
    }
}

#[tokio::test]
async fn a_step_that_is_not_let_through_is_exhausted_at_its_deadline_without_an_attempt() {
    let lab = Lab::new(Mood::Failing);
    let breaker = Breaker::after(1).open(Duration::from_hours(9));
    let runtime = lab.runtime(PLENTY.breaker(breaker), PLENTY).await;
    let opener = runtime.start::<Guarded>("opener", false).await.expect("it is started");
    eventually(|| matches!(shared(&runtime).breaker, Some(BreakerState::Open { .. }))).await;
    let waiting = runtime.start::<Guarded>("waiting", false).await.expect("it is started");
    for saga in [&opener, &waiting] {
        let end = lab.ends(saga).await;
        assert!(matches!(end.cause(), Some(Cause::Exhausted(gone)) if gone.step() == "call"), "{end:?}");
    }
    lab.participant.seen(|seen| assert_eq!(seen.calls, [("opener".to_owned(), 1)]));
    let timeline = waiting.timeline().await.expect("the store answers").to_string();
    assert!(timeline.contains("policy `shared`") && !timeline.contains("attempt 1"), "{timeline}");
}

#[tokio::test]
async fn compensations_wait_for_their_policy_and_are_parked_when_their_time_is_over() {
    let lab = Lab::new(Mood::Well);
    let runtime = lab.runtime(PLENTY, PLENTY.bulkhead(1)).await;
    let mut refused = Vec::new();
    for number in 0..8 {
        refused.push(runtime.start::<Guarded>(number.to_string(), true).await.expect("it is started"));
    }
    for saga in &refused {
        assert!(matches!(ended(saga).await, End::Compensated { cause: Cause::Refused(No), .. }));
    }
    let undoing = runtime.policies().remove(1);
    assert_eq!((&*undoing.name, undoing.admitted, undoing.in_flight), ("undoing", 8, 0));

    // A breaker that one undo opens, and that stays open for longer than an undo may take.
    let breaker = Breaker::after(1).open(Duration::from_hours(9));
    runtime.set_policy("undoing", PLENTY.breaker(breaker)).expect("it is there");
    let mut sagas = Vec::new();
    for id in ["opener", "waiting"] {
        lab.participant.mood.send_replace(Mood::Hanging);
        let calls = lab.participant.calls();
        let saga = runtime.start::<Guarded>(id, true).await.expect("it is started");
        eventually(|| lab.participant.calls() == calls + 1).await;
        // The step is done, and whatever comes after it fails.
        lab.participant.mood.send_replace(Mood::FailingNext);
        sagas.push(saga);
        // Past the back-off after the failure.
        lab.passes(Duration::from_millis(10), || runtime.policies()[1].waiting == sagas.len()).await;
    }
    assert!(matches!(runtime.policies()[1].breaker, Some(BreakerState::Open { .. })));
    let calls = lab.participant.calls();
    for saga in &sagas {
        let parked = lab.while_time_passes(saga.settled()).await.expect("the store answers");
        assert!(matches!(parked, Settled::Parked { .. }), "{parked:?}");
        let park = saga.park().await.expect("the store answers").expect("it is parked");
        assert_eq!(park.cause(), ParkCause::GaveUp);
    }
    assert_eq!(lab.participant.calls(), calls, "the one that waited was never undone");
}

#[tokio::test]
async fn one_that_waits_can_be_cancelled_and_its_place_is_free() {
    let lab = Lab::new(Mood::Hanging);
    let runtime = lab.runtime(patient().bulkhead(1), PLENTY).await;
    let sagas = start(&runtime, 4).await;
    eventually(|| shared(&runtime).waiting == 3).await;
    // In memory.
    assert!(sagas[1].cancel("no longer wanted").await.expect("decided").granted);
    assert!(matches!(ended(&sagas[1]).await, End::Compensated { cause: Cause::Cancelled(_), .. }));
    assert_eq!(shared(&runtime).waiting, 2);
    lab.clock.advance(Duration::from_secs(2));
    eventually(|| runtime.running() == 1).await;
    // In the store.
    assert!(sagas[2].cancel("no longer wanted").await.expect("decided").granted);
    assert!(matches!(ended(&sagas[2]).await, End::Compensated { cause: Cause::Cancelled(_), .. }));
    lab.participant.mood.send_replace(Mood::Well);
    assert!(matches!(ended(&sagas[0]).await, End::Completed(())));
    assert!(matches!(lab.ends(&sagas[3]).await, End::Completed(())));
    assert_eq!(lab.participant.calls(), 2, "the cancelled ones made no attempt");
}

#[tokio::test]
async fn those_who_waited_when_the_process_died_go_on_with_the_next() {
    let lab = Lab::new(Mood::Hanging);
    let runtime = lab.runtime(patient().bulkhead(1), PLENTY).await;
    let sagas = start(&runtime, 10).await;
    eventually(|| shared(&runtime).waiting == 9).await;
    lab.clock.advance(Duration::from_secs(2));
    eventually(|| runtime.running() == 1).await;
    start(&runtime, 10).await;
    runtime.start::<Guarded>("near", false).await.expect("it is started");
    eventually(|| shared(&runtime).waiting == 10).await;
    let ids: Vec<_> = sagas.iter().map(|saga| saga.id().to_owned()).chain(["near".to_owned()]).collect();
    drop((sagas, runtime));
    lab.participant.mood.send_replace(Mood::Well);
    let runtime = lab.runtime(patient().bulkhead(2), PLENTY).await;
    for id in ids {
        let saga = runtime.get::<Guarded>(&id).await.expect("the store answers").expect("it is there");
        // No time passes: the next worker knows nothing of the queue, and need not wait for anybody's turn.
        assert!(matches!(ended(&saga).await, End::Completed(())));
    }
    assert_eq!(shared(&runtime).waiting, 0);
}

#[tokio::test]
async fn a_policy_that_nobody_defined_or_that_lets_nothing_through_is_an_error_that_says_so() {
    let builder = || Runtime::builder().store(Memory::default()).register(Guarded(Participant::new(Mood::Well)));
    let none = builder().start().await.expect_err("no policy is defined");
    assert!(none.is_invalid());
    assert_eq!(
        none.to_string(),
        "step `call` of saga `guarded` names policy `shared`, which this runtime does not define: it defines none; \
         add `.policy(\"shared\", NamedPolicy::new())` to its builder"
    );
    let close = builder().policy("shared", PLENTY).policy("undoin", PLENTY).start().await.expect_err("a typo");
    assert_eq!(
        close.to_string(),
        "compensation `take_back` of saga `guarded` names policy `undoing`, which this runtime does not define: \
         did you mean `undoin`?"
    );
    let twice = builder().policy("shared", PLENTY).policy("shared", PLENTY).start().await.expect_err("defined twice");
    assert!(twice.to_string().contains("`shared` is defined twice"), "{twice}");
    let endless = Retry { attempts: Some(0), ..Retry::DEFAULT };
    let crossed = Retry { initial: Duration::from_hours(1), ..Retry::DEFAULT };
    for wrong in [
        PLENTY.bulkhead(0),
        PLENTY.rate(0, Duration::from_secs(1)),
        PLENTY.rate(1, Duration::ZERO),
        PLENTY.timeout(Duration::ZERO),
        PLENTY.retry(endless),
        PLENTY.retry(crossed),
        PLENTY.breaker(Breaker::after(0)),
        PLENTY.breaker(Breaker::after(3).of(2)),
        PLENTY.breaker(Breaker::after(3).of(65)),
        PLENTY.breaker(Breaker::after(3).open(Duration::ZERO)),
    ] {
        let error = builder().policy("shared", wrong).policy("undoing", PLENTY).start().await.expect_err("wrong");
        assert!(error.is_invalid() && error.to_string().starts_with("policy `shared`: "), "{error}");
    }
    let runtime = builder().policy("shared", PLENTY).policy("undoing", PLENTY).start().await.expect("it starts");
    let unknown = runtime.set_policy("sharde", PLENTY).expect_err("a typo");
    assert!(unknown.is_invalid() && unknown.to_string().contains("did you mean `shared`?"), "{unknown}");
    assert!(runtime.set_policy("shared", PLENTY.bulkhead(0)).is_err());
    assert_eq!(shared(&runtime).limits, PLENTY, "nothing was changed");
}

#[tokio::test]
async fn what_a_method_says_itself_wins_over_its_policy_field_by_field() {
    let lab = Lab::new(Mood::Well);
    let once = Retry { attempts: Some(1), ..Retry::DEFAULT };
    let runtime = lab.runtime(PLENTY.timeout(Duration::from_mins(5)).retry(once), PLENTY.timeout(SECOND)).await;
    lab.participant.mood.send_replace(Mood::Hanging);
    let saga = runtime.start::<Guarded>("1", true).await.expect("it is started");
    eventually(|| lab.participant.calls() == 1).await;
    // The step says neither timeout nor retry: the policy's hold, and not the 30 s and the many attempts of one who says
    // nothing.
    lab.clock.advance(Duration::from_mins(4));
    a_while().await;
    assert_eq!(lab.participant.seen(|seen| seen.inside), 1);
    lab.clock.advance(Duration::from_mins(1));
    let end = ended(&saga).await;
    assert!(matches!(end.cause(), Some(Cause::Exhausted(_))), "one attempt, and no more: {end:?}");

    // Its compensation says a timeout of an hour: its policy's second has no effect.
    lab.participant.mood.send_replace(Mood::Well);
    let saga = runtime.start::<Guarded>("2", true).await.expect("it is started");
    let undo = Guarded::definition().steps[0].compensation.as_ref().expect("it has one");
    assert!(undo.policy.own_timeout && !undo.policy.own_retry);
    assert!(matches!(ended(&saga).await, End::Compensated { cause: Cause::Refused(No), .. }));
}

#[tokio::test]
async fn rule_14_one_that_may_kill_the_process_keeps_nobody_waiting_while_it_waits_and_is_alone_when_it_is_let_in() {
    let lab = Lab::new(Mood::Hanging);
    for life in 1..3 {
        let dies = Arc::new(|point: Point<'_>| match point {
            Point::BeforeAttempt { instance: "suspect", .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let runtime = lab.builder(PLENTY, PLENTY).observer(dies).start().await.expect("it starts");
        for id in if life == 1 { ["holder", "suspect"].as_slice() } else { &[] } {
            drop(runtime.start::<Guarded>(*id, false).await.expect("it is started"));
            eventually(|| lab.participant.calls() == 1).await;
        }
        eventually(|| shared(&runtime).admitted == 2).await;
        eventually(|| lab.participant.calls() == life).await;
    }
    // In its third life each of the two is to be alone at first; the one that was there first fills the bulkhead.
    let runtime = lab.runtime(patient().bulkhead(1), PLENTY).await;
    eventually(|| lab.participant.calls() == 3).await;
    lab.passes(Duration::from_secs(1), || shared(&runtime).waiting == 1).await;
    let beside = runtime.start::<Free>("beside the one that waits", 1).await.expect("it is started");
    assert!(matches!(ended(&beside).await, End::Completed(())));

    lab.participant.mood.send_replace(Mood::HangingNext);
    eventually(|| lab.participant.calls() == 4).await;
    let beside = runtime.start::<Free>("beside the one that is let in", 1).await.expect("it is started");
    a_while().await;
    let status = beside.status().await.expect("the store answers");
    assert_eq!(status.progress, Progress::Running, "it waits until the first attempt has lasted a second");
    lab.clock.advance(Duration::from_secs(2));
    assert!(matches!(ended(&beside).await, End::Completed(())));
    lab.participant.mood.send_replace(Mood::Well);
    for id in ["holder", "suspect"] {
        let saga = runtime.get::<Guarded>(id).await.expect("the store answers").expect("it is there");
        assert!(matches!(ended(&saga).await, End::Completed(())));
    }
}
