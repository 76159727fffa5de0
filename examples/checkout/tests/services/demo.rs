//! The demonstration itself, small.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{Connection, PgConnection, query_scalar};

#[test]
fn a_small_demonstration_ends_without_a_violation() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("kept");
    let output = Command::new(env!("CARGO_BIN_EXE_checkout"))
        .args(["demo", "--orders", "60", "--kills", "4", "--seed", "42", "--json", "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{told}");
    let object: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let count = |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("no {field} in {object}"));
    // More are placed where a kill would find too few in flight.
    let orders = count("orders");
    assert!((60..90).contains(&orders), "{object}");
    assert_eq!((count("kills"), count("violations"), count("parked")), (4, 0, 0));
    assert_eq!(count("completed") + count("compensated"), orders);
    assert!(count("completed") > 0 && count("compensated") > 0, "{object}");
    for file in ["inventory.db", "orders.db", "orders.log", "checkout-saga.svg"] {
        assert!(dir.join(file).exists(), "{file}");
    }
    assert!(told.contains("Verdict: all is well"), "{told}");
    let verified = object["verified"].as_str().unwrap();
    assert!(
        verified.starts_with(&format!("{orders} instances, ")) && verified.ends_with(" effects: no violation"),
        "{verified}"
    );
}

#[test]
fn workers_beside_one_another_lose_nothing_when_one_is_killed() {
    let url = saga_test_postgres::url();
    let output = Command::new(env!("CARGO_BIN_EXE_checkout"))
        .args(["demo", "--store", &url, "--workers", "3", "--orders", "60", "--kills", "3", "--seed", "7", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{told}");
    let object: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let count = |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("no {field} in {object}"));
    assert!((60..90).contains(&count("orders")), "{object}");
    assert_eq!((count("workers"), count("kills"), count("violations")), (3, 3, 0));
    assert!(count("completed") > 0 && count("compensated") > 0, "{object}");
    assert!(told.contains("Of 3 orchestrators one was killed 3 times"), "{told}");
}

/// It is stopped in the middle of whatever it does, for longer than its lease, while others go on. What it wants to write when it wakes
/// changes nothing, and what it still sends has no effect beside what others have done meanwhile.
#[test]
fn a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing_when_it_wakes() {
    let url = saga_test_postgres::url();
    let output = Command::new(env!("CARGO_BIN_EXE_checkout"))
        .args(["demo", "--store", &url, "--workers", "3", "--orders", "240", "--kills", "1", "--pauses", "3"])
        .args(["--seed", "11", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{told}");
    let object: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let count = |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("no {field} in {object}"));
    assert!((240..300).contains(&count("orders")), "{object}");
    assert_eq!((count("kills"), count("pauses"), count("violations")), (1, 3, 0));
    assert!(count("completed") > 0 && count("compensated") > 0, "{object}");
    assert!(told.contains("No orchestrator wrote to what was no longer its own"), "{told}");
}

#[test]
fn where_the_sagas_are_kept_is_said_once() {
    for (arguments, wanted) in [
        (&["orders"][..], "--db <FILE>|--store <URL>"),
        (&["orders", "--db", "x", "--store", "postgres://y"][..], "cannot be used with"),
        (&["orders", "--db", "x", "--lease", "3"][..], "cannot be used with"),
        (&["demo", "--workers", "3"][..], "--store <URL>"),
        (&["demo", "--pauses", "1"][..], "--store <URL>"),
    ] {
        let others = ["--inventory", "http://a", "--payments", "http://b", "--shipping", "http://c"];
        let others = if arguments[0] == "orders" { &others[..] } else { &[] };
        let checkout = Command::new(env!("CARGO_BIN_EXE_checkout")).args(arguments).args(others).output().unwrap();
        let told = String::from_utf8(checkout.stderr).unwrap();
        assert_eq!(checkout.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(wanted), "{arguments:?}: {told}");
    }
}

#[test]
fn orders_are_placed_until_every_kill_has_hit_some_and_one_of_those_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(&["--orders", "1", "--kills", "2", "--json"], folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{told}");
    let object: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let count = |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("no {field} in {object}"));
    assert_eq!((count("kills"), count("missed"), count("violations")), (2, 0, 0));
    assert!((10..=61).contains(&count("orders")), "{object}");
    assert!(told.contains("which a kill met in flight") && told.contains("recovered after a crash"), "{told}");
    assert_eq!(left(folder.path()), [""; 0], "nothing is left of one that went well");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_still_judges_and_says_where_its_logs_and_its_sagas_are() {
    let (folder, url) = (tempfile::tempdir().unwrap(), saga_test_postgres::url());
    let before = schemas(&url).await;
    let mut command = demo(&["--store", &url, "--workers", "2"], folder.path());
    let demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // All that is to be kept is there once the second worker is.
    child(demo.id(), "orders-2").await;
    signal("KILL", child(demo.id(), "payments").await.0);
    let output = demo.wait_with_output().unwrap();
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}\n{told}");
    for part in ["How they ended", "What the participants had to deal with", "Verdict: "] {
        assert!(said.contains(part), "{said}\n{told}");
    }
    assert!(said.contains("Not all came to its end: payments ended by itself"), "{said}\n{told}");
    let left = left(folder.path());
    assert_eq!(left.len(), 1, "{left:?}");
    let place = folder.path().join(&left[0]);
    assert!(told.contains(&format!("the databases and logs are in {}\n", place.display())), "{told}");
    let schemas = schemas(&url).await;
    let ours = schemas.iter().find(|name| !before.contains(name) && told.contains(name.as_str()));
    let ours = ours.unwrap_or_else(|| panic!("none of {schemas:?} is named: {told}"));
    assert!(told.contains(&format!("DROP SCHEMA IF EXISTS \"{ours}\" CASCADE")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_interrupted_leaves_nothing() {
    let (folder, url) = (tempfile::tempdir().unwrap(), saga_test_postgres::url());
    let demo = demo(&["--store", &url, "--workers", "2"], folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    // The second worker is there: the schema is, too.
    let (worker, line) = child(demo.id(), "orders-2").await;
    let schema = line.split_once("--schema ").unwrap().1.split(' ').next().unwrap();
    assert!(schemas(&url).await.iter().any(|name| name == schema), "{schema}");
    let logs = left(folder.path());
    signal("INT", demo.id());
    let output = demo.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: interrupted"), "{told}");
    assert_eq!((logs.len(), left(folder.path())), (1, Vec::new()), "{told}");
    assert!(!processes().iter().any(|(process, ..)| *process == worker), "{told}");
    assert!(!schemas(&url).await.iter().any(|name| name == schema), "{told}");
}

/// A demonstration whose temporary files are in this folder.
fn demo(options: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_checkout"));
    command.arg("demo").args(options).env("TMPDIR", temporary);
    command
}

/// What demonstrations have left in this folder, apart from the drawing.
fn left(temporary: &Path) -> Vec<String> {
    let files = std::fs::read_dir(temporary).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "checkout-saga.svg").collect()
}

async fn schemas(url: &str) -> Vec<String> {
    let mut database = PgConnection::connect(url).await.unwrap();
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'checkout_demo_%'";
    query_scalar(sql).fetch_all(&mut database).await.unwrap()
}

/// All processes of this machine: each with its parent and its command line.
fn processes() -> Vec<(u32, u32, String)> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut processes = Vec::new();
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        let (Some(process), Some(parent)) = (words.next(), words.next()) else { continue };
        processes.push((process.parse().unwrap(), parent.parse().unwrap(), words.collect::<Vec<_>>().join(" ")));
    }
    processes
}

/// Waits until a process has a child whose command line has this word in it: which, and that line.
async fn child(parent: u32, word: &str) -> (u32, String) {
    let begun = Instant::now();
    loop {
        let found = processes().into_iter().find(|(_, of, line)| *of == parent && line.contains(word));
        if let Some((process, _, line)) = found {
            return (process, line);
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "there is no {word}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

#[test]
fn a_folder_with_other_books_in_it_is_turned_down() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.db"), "").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_checkout")).args(["demo", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is not empty"));
}
