//! Errands that end at every single point around a commit and an attempt, each alone and with a second end while the first is
//! recovered from: the same end, the same effects, and no call more than was under way.

use crate::{
    Lab, Plan, Work, catching,
    errand::Errand,
    plan, texts, timeline,
    world::{Act, No},
};
use saga_runtime::{End, Handle, Runtime, runtime::Point};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A life that ends at this point (never, if that is 0); how it ended, or nothing, and how many points it passed.
async fn life(lab: &Lab, plan: &Plan, last: usize) -> (Option<(End<Vec<String>, No>, String)>, usize) {
    let passed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&passed);
    let observer = Arc::new(move |_: Point<'_>| {
        if counter.fetch_add(1, Ordering::Relaxed) + 1 == last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let runtime: Runtime = lab.builder().observer(observer).start().await.expect("it starts");
    let run = async {
        let saga: Handle<Errand> = runtime.start("1", plan.clone()).await.expect("it is started");
        let signal = async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let _ = saga.signal_once(Errand::GO, "1", 1).await;
            std::future::pending::<()>().await;
        };
        let end = tokio::select! {
            end = saga.result() => end.expect("the store answers"),
            () = signal => unreachable!("it has no end"),
        };
        (end, timeline(&saga).await)
    };
    let end = tokio::select! {
        end = run => Some(end),
        () = async {
            while last == 0 || passed.load(Ordering::Relaxed) < last {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        } => None,
    };
    (end, passed.load(Ordering::Relaxed))
}

fn lab(refused: &[&str]) -> Lab {
    let lab = Lab::new();
    for what in refused {
        lab.world.always(what, Act::Refuse);
    }
    lab
}

/// What took effect, and how often.
fn effects(lab: &Lab) -> BTreeMap<String, usize> {
    let mut effects = BTreeMap::new();
    for what in lab.world.whats() {
        *effects.entry(what).or_insert(0) += 1;
    }
    effects
}

async fn killed_at_every_point(plan: Plan, refused: &[&str], at_a_time: usize) {
    let undisturbed = lab(refused);
    let (end, points) = life(&undisturbed, &plan, 0).await;
    let (end, _) = end.expect("nobody kills it");
    let (expected, calls) = (effects(&undisturbed), undisturbed.world.got().len());
    assert!(points > 2 * expected.len(), "{points}");
    for first in 1..=points {
        for second in [0, 1 + first * 7 % points] {
            let lab = lab(refused);
            // After its last commit the end is told although the life is over.
            let (mut ended, _) = life(&lab, &plan, first).await;
            assert!(ended.is_none() || first + 4 > points, "it is killed at {first} of {points}");
            if ended.is_none() && second > 0 {
                (ended, _) = life(&lab, &plan, second).await;
            }
            if ended.is_none() {
                (ended, _) = life(&lab, &plan, 0).await;
            }
            let (again, told) = ended.expect("nobody kills it");
            let told = format!("killed at {first} of {points}, then at {second}\n{told}");
            assert_eq!(again, end, "the same end: {told}");
            let got = effects(&lab);
            assert!(got.values().all(|times| *times == 1), "once for each key: {got:?}\n{told}");
            assert_eq!(lab.world.stands().len(), undisturbed.world.stands().len(), "{told}");
            // What was under way as another branch was refused may have come to its end, or not have begun.
            let settled = |effects: &BTreeMap<String, usize>| {
                let stands =
                    |what: &&String| !what.starts_with("undo ") && !effects.contains_key(&format!("undo {what}"));
                effects.keys().filter(stands).cloned().collect::<Vec<_>>()
            };
            assert_eq!(settled(&got), settled(&expected), "{told}");
            let most = calls + 2 * 2 * at_a_time;
            assert!(lab.world.got().len() <= most, "{} calls, not {calls}: {told}", lab.world.got().len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_errand_with_every_construct_that_completes_survives_an_end_at_every_point() {
    let works = [
        Work::Book("a".into()),
        Work::Both("b".into(), "c".into(), texts(&["d", "sleep 5", "e"])),
        Work::Way("f".into(), vec![texts(&["g", "no"]), texts(&["h", "sleep 3"])], "i".into()),
        Work::Forever,
        Work::Child(texts(&["j", "sleep5", "k"])),
    ];
    let plan = Plan { pay: Some("p".into()), ship: texts(&["s"]), ..catching(works) };
    killed_at_every_point(plan, &["no"], 3).await;
}

#[tokio::test(start_paused = true)]
async fn an_errand_with_every_construct_that_is_undone_survives_an_end_at_every_point() {
    let works = [
        Work::Book("a".into()),
        Work::Leg(texts(&["b", "wait 60", "both c d"])),
        Work::Legs(vec![texts(&["e", "child f sleep5 g"]), texts(&["h", "sleep 2"]), texts(&["i"])], 2),
        Work::Child(texts(&["j", "sleep5", "k"])),
    ];
    killed_at_every_point(Plan { pay: Some("no".into()), ..plan(works) }, &["no"], 3).await;
}
