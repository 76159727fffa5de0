//! Processes of their own: one that is killed, and two that work on one database.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use saga_participant::{Call, Effect, Participant};

use super::{Service, hold, key};
use crate::{DB, Database};

/// Where the child process finds the database.
const DATABASE: &str = "PARTICIPANT_TEST_DATABASE";

/// How many keys the two processes answer.
const KEYS: usize = 60;

/// This test once more in a process of its own, in which [`database`] is the parent's.
fn child(test: &str, service: &Service) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("suite::processes::{test}"), "--nocapture"])
        .env(DATABASE, &service.database.address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The parent's database, if this is the child.
async fn parents() -> Option<Participant<DB>> {
    let address = std::env::var(DATABASE).ok()?;
    Some(Participant::new(Database::at(address).pool().await))
}

/// Carries a call out under a key that is in use, for as long as it takes.
async fn insist(participant: &Participant<DB>, key: &str) -> saga_participant::Answer {
    loop {
        match hold(participant, key, 3).await {
            Err(error) if error.is_in_progress() => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            ended => return ended.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_process_that_is_killed_between_effect_and_answer_leaves_nothing() {
    if let Some(participant) = parents().await {
        let call = Call::new("hold", key("k"), br#"{"quantity":3}"#);
        let hanging = async |mut effect: Effect<DB>| {
            sqlx::query("INSERT INTO holds (key, quantity) VALUES ('k', 3)").execute(effect.db()).await?;
            println!("\neffect");
            std::future::pending().await
        };
        let _: Result<_, _> = participant.act(&call, hanging).await;
        return;
    }
    let service = Service::start().await;
    let mut child = child("a_process_that_is_killed_between_effect_and_answer_leaves_nothing", &service);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "effect"), "the child comes as far as the effect");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!insist(&service.participant, "k").await.is_replayed());
    assert_eq!(service.held().await, ["k"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_database_answer_each_key_once() {
    if let Some(participant) = parents().await {
        for number in (0..KEYS).rev() {
            insist(&participant, &format!("k{number}")).await;
        }
        return;
    }
    let service = Service::start().await;
    let mut child = child("two_processes_on_one_database_answer_each_key_once", &service);
    for number in 0..KEYS {
        assert_eq!(insist(&service.participant, &format!("k{number}")).await.body(), "3");
    }
    let out = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(child.wait().unwrap().success(), "{out}");
    let mut all: Vec<String> = (0..KEYS).map(|number| format!("k{number}")).collect();
    all.sort();
    assert_eq!(service.held().await, all);
    let counts = service.participant.counts().await.unwrap();
    assert_eq!(usize::try_from(counts.answers + counts.replays).unwrap(), 2 * KEYS);
}
