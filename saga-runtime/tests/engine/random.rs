//! Random scripts, participants that refuse, fail and panic at random, and a life that may end at any point: whatever
//! happens, the trace is T1..Tn, or T1..Tj then Cj..C1, keys are stable, and the journal folds to the end that was told.

use crate::{
    Lab, end, events,
    saga::{Scripted, script},
    start, timeline,
    world::{Act, Got},
};
use saga_runtime::{End, Runtime, Settled, runtime::Point};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{Arc, Mutex},
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
}

/// A script of up to eight steps; at most one pivot, after which only retriable steps and notes stand.
fn random_script(dice: &mut Dice) -> String {
    let mut ops = Vec::new();
    let before = 1 + dice.roll(5);
    for number in 0..before {
        let step = ["look", "book", "book", "twice", "bare", "note"][usize::try_from(dice.roll(6)).expect("small")];
        let catch = if dice.roll(4) == 0 { "?" } else { "" };
        ops.push(format!("{step}:{number}{catch}"));
    }
    if dice.roll(3) > 0 {
        ops.push("pay:p".into());
        for number in 0..dice.roll(3) {
            ops.push(format!("send:s{number}"));
        }
    }
    ops.join(" ")
}

fn random_acts(dice: &mut Dice, lab: &Lab, ops: &str) {
    for op in ops.split_whitespace() {
        let (step, what) = op.split_once(':').expect("step:what");
        let what = what.trim_end_matches('?');
        let refusable = step != "send" && step != "look";
        for _ in 0..dice.roll(4) {
            let act = match dice.roll(8) {
                0 | 1 if refusable => Act::Refuse,
                2 => Act::NoEffect,
                3 => Act::Later(1 + dice.roll(10)),
                4 => Act::Slow(dice.roll(3_000)),
                5 => Act::Hang,
                _ => Act::Fail,
            };
            lab.world.plan(what, [act]);
        }
        for _ in 0..dice.roll(3) {
            let act = [Act::Fail, Act::NoEffect, Act::Later(5)][usize::try_from(dice.roll(3)).expect("small")];
            lab.world.plan(&format!("undo {what}"), [act]);
        }
    }
}

/// A runtime that dies at a random point, or never.
async fn life(lab: &Lab, dice: &mut Dice, mortal: bool) -> (Runtime, Arc<Mutex<bool>>) {
    let died = Arc::new(Mutex::new(false));
    let (ended, fuse) = (Arc::clone(&died), Mutex::new(if mortal { dice.roll(12) } else { u64::MAX }));
    let observer = Arc::new(move |_: Point<'_>| {
        let mut left = fuse.lock().expect("nobody panics");
        if *left == 0 {
            *ended.lock().expect("nobody panics") = true;
            return ControlFlow::Break(());
        }
        *left -= 1;
        ControlFlow::Continue(())
    });
    let builder = lab.builder().register(Scripted(lab.world.clone())).observer(observer);
    (builder.start().await.expect("it starts"), died)
}

async fn seed(seed: u64) -> &'static str {
    let mut dice = Dice(seed);
    let lab = Lab::new();
    let ops = random_script(&mut dice);
    random_acts(&mut dice, &lab, &ops);
    let mut lives = dice.roll(5);
    loop {
        let (runtime, died) = life(&lab, &mut dice, lives > 0).await;
        lives = lives.saturating_sub(1);
        let run = async {
            let saga = start(&runtime, "1", script(&ops)).await;
            let settled = tokio::time::timeout(Duration::from_hours(1_000), saga.settled()).await;
            let settled = settled.expect("it settles").expect("the store answers");
            if let Settled::Parked { .. } = settled {
                // The only park that these participants bring about: killed again and again.
                let park = saga.park().await.expect("the store answers").expect("it is parked");
                park.retry("the test", "go on").await.expect("decided");
            }
            let end = end(&saga).await;
            (end, events(&lab, &saga).await, timeline(&saga).await)
        };
        let ended = tokio::select! {
            ended = run => ended,
            () = async {
                while !*died.lock().expect("nobody panics") {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            } => continue,
        };
        let (end, _, timeline) = ended;
        let told = format!("seed {seed}, script {ops}\n{timeline}");
        check(&lab.world.got(), &end, &ops, &told);
        return if end.cause().is_none() { "completed" } else { "compensated" };
    }
}

/// The trace rule, from what the participants got.
fn check<R>(got: &[Got], end: &End<Vec<String>, R>, ops: &str, told: &str) {
    // One key for each call, and the same arguments and place in order at each attempt.
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for call in got {
        let what = keys.entry(&call.key).or_insert(&call.what);
        assert_eq!(*what, call.what, "one key, one call\n{told}");
    }
    let distinct: BTreeSet<_> = keys.values().collect();
    assert_eq!(distinct.len(), keys.len(), "one call, one key\n{told}");
    // The first call of each, in order: the steps as the script has them.
    let mut seen = Vec::new();
    for call in got {
        if !seen.contains(&call.what.as_str()) {
            seen.push(&call.what);
        }
    }
    let steps: Vec<_> = seen.iter().filter(|what| !what.starts_with("undo ")).copied().collect();
    let script: Vec<_> =
        ops.split_whitespace().map(|op| op.split_once(':').expect("step:what").1.trim_end_matches('?')).collect();
    assert_eq!(steps, script[..steps.len()], "the steps as the script has them\n{told}");
    // After the pivot nothing is undone; before it, what completed is undone in reverse.
    let undone: Vec<_> = seen.iter().filter_map(|what| what.strip_prefix("undo ")).collect();
    match end {
        End::Completed(log) => {
            assert_eq!(log.len(), script.len(), "{told}");
            assert_eq!(steps.len(), script.len(), "{told}");
            // Only what ended in doubt and was caught.
            for what in undone {
                let undo = got.iter().find(|call| call.what == format!("undo {what}")).expect("it is there");
                assert_eq!(undo.output, None, "a completed saga undoes nothing that was done\n{told}");
            }
        }
        End::Compensated { debt, .. } => {
            assert!(debt.is_empty(), "{told}");
            // The undo of each completed, compensatable step; the last unwind in reverse order of the steps.
            let done: Vec<_> = got
                .iter()
                .filter(|call| call.what.starts_with("undo ") && call.output.is_some())
                .map(|call| call.what.trim_start_matches("undo "))
                .collect();
            let mut order: Vec<usize> =
                done.iter().map(|what| script.iter().position(|step| step == what).expect("a step")).collect();
            order.dedup();
            assert!(order.is_sorted_by(|a, b| a > b), "the last first: {done:?}\n{told}");
            for (index, op) in ops.split_whitespace().enumerate() {
                let (step, what) = op.split_once(':').expect("step:what");
                let what = what.trim_end_matches('?');
                let called = steps.contains(&what);
                let answered = told.contains(&format!("answered \"{what}!\""));
                if ["book", "twice", "bare"].contains(&step) && called && answered {
                    assert!(order.contains(&index), "`{what}` was done and is not undone\n{told}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn random_sagas_with_random_faults_and_crashes_keep_the_trace_rule() {
    let (mut completed, mut compensated) = (0, 0);
    for number in 0..150 {
        println!("seed {number}");
        match seed(number).await {
            "completed" => completed += 1,
            _ => compensated += 1,
        }
    }
    println!("{completed} completed, {compensated} compensated");
    assert!(completed > 30 && compensated > 30, "both ends are tried: {completed} and {compensated}");
}
