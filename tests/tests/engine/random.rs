//! Random errands with random refusals, losses, crashes, cancels, signals and lost answers of the store: whatever happens, what
//! stands at the end is what the flow was told, or nothing; each key is one call; and each signal counts once.

use crate::{
    Lab, Op, Plan, Work,
    errand::{Delivery, Errand, Helper},
    timeline,
    world::Act,
};
use saga_runtime::{
    End, Handle, Runtime, Saga,
    runtime::Point,
    store::memory::Memory,
    testing::{Faulty, Lost},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A small generator of random numbers (splitmix64), so that a seed says everything.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn few(&mut self, most: u64) -> usize {
        usize::try_from(self.roll(most)).unwrap_or_default()
    }
}

/// Writes an errand, each of whose steps is about something else.
struct Writer<'d> {
    dice: &'d mut Dice,
    steps: Vec<String>,
}

impl Writer<'_> {
    fn step(&mut self) -> String {
        let what = format!("s{}", self.steps.len());
        self.steps.push(what.clone());
        what
    }

    fn steps(&mut self, most: u64) -> Vec<String> {
        (0..=self.dice.roll(most)).map(|_| self.step()).collect()
    }

    fn leg(&mut self) -> Vec<String> {
        (0..=self.dice.roll(3))
            .map(|_| match self.dice.roll(8) {
                0 => format!("sleep {}", self.dice.roll(100)),
                1 => format!("wait {}", 1 + self.dice.roll(100)),
                2 => format!("child {} {}", self.step(), self.step()),
                3 => format!("both {} {} {}", self.step(), self.step(), self.step()),
                _ => self.step(),
            })
            .collect()
    }

    fn legs(&mut self) -> Vec<Vec<String>> {
        (0..=self.dice.roll(3)).map(|_| self.leg()).collect()
    }

    fn work(&mut self) -> Work {
        match self.dice.roll(14) {
            0 => Work::Sleep(self.dice.roll(200)),
            1 => Work::Wait(1 + self.dice.roll(200)),
            2 => Work::Forever,
            3 => Work::Child(self.steps(3)),
            4 => Work::Brief(vec![self.step(), "sleep50".into(), self.step()], 1 + self.dice.roll(100)),
            5 => Work::Leg(self.leg()),
            6 => Work::Both(self.step(), self.step(), self.leg()),
            7 => Work::Each(self.steps(6), 1 + self.dice.few(4)),
            8 => Work::Legs(self.legs(), 1 + self.dice.few(3)),
            9 => Work::Way(self.step(), self.legs(), self.step()),
            _ => Work::Book(self.step()),
        }
    }

    fn plan(&mut self) -> Plan {
        let ops = (0..=self.dice.roll(4)).map(|_| Op { work: self.work(), catch: self.dice.roll(2) == 0 }).collect();
        let (pay, deliver) = match self.dice.roll(4) {
            0 => (None, None),
            1 => (None, Some(self.step())),
            _ => (Some(self.step()), None),
        };
        let ship = if self.dice.roll(2) == 0 { self.steps(2) } else { Vec::new() };
        let refuse = (self.dice.roll(4) == 0).then(|| "enough".into());
        Plan { ops, pay, deliver, ship, rest: 0, refuse }
    }
}

fn random_acts(dice: &mut Dice, lab: &Lab, steps: &[String], sure: &[String]) {
    for what in steps {
        for _ in 0..dice.roll(3) {
            let act = match dice.roll(9) {
                0 if !sure.contains(what) => Act::Refuse,
                1 if !sure.contains(what) => Act::Late(dice.roll(3_000)),
                2 => Act::NoEffect,
                3 | 4 => Act::Slow(dice.roll(3_000)),
                5 => Act::Hang,
                _ => Act::Lose,
            };
            lab.world.plan(what, [act]);
        }
        for _ in 0..dice.roll(3) {
            let act = [Act::Lose, Act::NoEffect, Act::Slow(500)][dice.few(3)];
            lab.world.plan(&format!("undo {what}"), [act]);
        }
    }
}

/// A runtime that dies at a random point, or never, on a store that sometimes loses its answers, or takes its time.
async fn life(lab: &Lab, dice: &mut Dice, mortal: bool) -> (Runtime, Arc<AtomicBool>) {
    let died = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&died);
    let fuse = AtomicU64::new(if mortal { dice.roll(40) } else { u64::MAX });
    let observer = Arc::new(move |_: Point<'_>| {
        if fuse.fetch_sub(1, Ordering::Relaxed) == 0 {
            ended.store(true, Ordering::Relaxed);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let store: Arc<Memory> = Arc::clone(&lab.store);
    let faulty = Faulty::new(store);
    for _ in 0..dice.roll(3) {
        let lost = if dice.roll(2) == 0 { Lost::Answer } else { Lost::Everything };
        faulty.lose(1 + dice.roll(30), lost);
    }
    if dice.roll(3) == 0 {
        faulty.lag(Duration::from_millis(1 + dice.roll(200)), dice.roll(u64::MAX));
    }
    let builder = lab.builder().shared_store(Arc::new(faulty)).observer(observer);
    (builder.start().await.expect("it starts"), died)
}

/// Lets everything go on that needs a person: these participants bring nobody there but by crashes.
async fn settle<S: Saga>(runtime: &Runtime, saga: &str) {
    for listed in runtime.parked().await.expect("the store answers") {
        if &*listed.saga != saga {
            continue;
        }
        let Some(parked) = runtime.get::<S>(&listed.id).await.expect("the store answers") else { continue };
        for park in parked.parks().await.expect("the store answers") {
            // Another look may have come first.
            let _ = park.retry("the test", "go on").await;
        }
    }
}

/// Sends signals, each several times, and now and then a cancel; settles parks.
async fn outside(runtime: &Runtime, saga: &Handle<Errand>, dice: &mut Dice, sent: &mut u32, cancels: bool) {
    loop {
        tokio::time::sleep(Duration::from_millis(dice.roll(60_000))).await;
        match dice.roll(6) {
            0 if cancels => {
                let _ = saga.cancel("the test").await;
            }
            0..3 => {
                *sent += 1;
                for _ in 0..=dice.roll(2) {
                    let _ = saga.signal_once(Errand::GO, format!("m{sent}"), *sent).await;
                }
            }
            _ => {
                settle::<Errand>(runtime, "errand").await;
                settle::<Helper>(runtime, "helper").await;
                settle::<Delivery>(runtime, "delivery").await;
            }
        }
    }
}

async fn seed(seed: u64) -> &'static str {
    let mut dice = Dice(seed);
    let lab = Lab::new();
    let mut writer = Writer { dice: &mut dice, steps: Vec::new() };
    let plan = writer.plan();
    let steps = std::mem::take(&mut writer.steps);
    random_acts(&mut dice, &lab, &steps, &plan.ship);
    let cancels = dice.roll(3) == 0;
    let mut lives = dice.roll(6);
    let mut sent = 0;
    loop {
        let (runtime, died) = life(&lab, &mut dice, lives > 0).await;
        lives = lives.saturating_sub(1);
        let mut chance = Dice(dice.roll(u64::MAX));
        let run = async {
            // Started again if nobody knows whether it was.
            let saga: Handle<Errand> = loop {
                match runtime.start("1", plan.clone()).await {
                    Ok(saga) => break saga,
                    Err(error) => assert!(error.is_unavailable(), "{error}"),
                }
            };
            let ended = tokio::select! {
                ended = tokio::time::timeout(Duration::from_hours(400), saga.result()) => ended,
                () = outside(&runtime, &saga, &mut chance, &mut sent, cancels) => unreachable!("it has no end"),
            };
            let told = format!("seed {seed}, {plan:?}\n{}", timeline(&saga).await);
            (ended.unwrap_or_else(|_| panic!("it does not end: {told}")).expect("the store answers"), told)
        };
        let (end, told) = tokio::select! {
            ended = run => ended,
            () = async {
                while !died.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            } => continue,
        };
        check(&lab, &end, &plan, &told);
        return if end.cause().is_none() { "completed" } else { "compensated" };
    }
}

fn check(lab: &Lab, end: &End<Vec<String>, crate::world::No>, plan: &Plan, told: &str) {
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for call in lab.world.got() {
        let what = keys.entry(call.key).or_insert_with(|| call.what.clone());
        assert_eq!(*what, call.what, "one key, one call\n{told}");
    }
    let distinct: BTreeSet<_> = keys.values().collect();
    assert_eq!(distinct.len(), keys.len(), "one call, one key\n{told}");
    let stands: BTreeSet<String> = lab.world.stands().into_iter().collect();
    match end {
        End::Completed(log) => {
            let done: BTreeSet<String> = log.iter().filter_map(|what| what.strip_suffix('!')).map(Into::into).collect();
            assert_eq!(stands, done, "what stands is what the flow was told\n{told}");
            let gone: Vec<&String> = log.iter().filter(|what| what.starts_with("go ")).collect();
            let once: BTreeSet<_> = gone.iter().collect();
            assert_eq!(gone.len(), once.len(), "each signal counts once\n{told}");
        }
        End::Compensated { debt, .. } => {
            assert!(debt.is_empty() && stands.is_empty(), "{stands:?} stands\n{told}");
            let main: Vec<&String> = plan
                .ops
                .iter()
                .filter_map(|op| if let Work::Book(what) = &op.work { Some(what) } else { None })
                .collect();
            let undone = lab.world.whats().into_iter().filter_map(|what| what.strip_prefix("undo ").map(str::to_owned));
            let order: Vec<usize> = undone.filter_map(|what| main.iter().position(|of| **of == what)).collect();
            // Those whose attempts ran out were undone where they stood, before the flow went on.
            let caught = plan.ops.iter().any(|op| op.catch);
            assert!(caught || order.is_sorted_by(|a, b| a > b), "the last first: {order:?}\n{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn random_errands_leave_what_the_flow_was_told_or_nothing() {
    let (mut completed, mut compensated) = (0, 0);
    let first = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for number in first.map_or(0..200, |seed| seed..seed + 1) {
        println!("seed {number}");
        match seed(number).await {
            "completed" => completed += 1,
            _ => compensated += 1,
        }
    }
    println!("{completed} completed, {compensated} compensated");
    assert!(first.is_some() || (completed > 40 && compensated > 40), "{completed} and {compensated}: both are tried");
}
