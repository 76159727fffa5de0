//! What the README tells a reader to type.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const TRAVEL: &str = env!("CARGO_BIN_EXE_travel");

fn out(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_demonstration_ends_without_a_violation() {
    let output = Command::new(TRAVEL).output().unwrap();
    let told = out(&output);
    assert!(output.status.success(), "{told}");
    for said in [
        "ada      Lisbon    2 people   booked for ",
        "undone: the card was declined",
        "undone: cancelled: the conference is off",
        "undone: nobody paid in time",
        "undone: nobody goes to Atlantis",
        "barbara wants to cancel, since it rains in Bergen: refused",
        "Journals held against what the services accepted: 9 instances, ",
        " effects: no violation\nVerdict: ",
    ] {
        assert!(told.contains(said), "{said} is not in\n{told}");
    }
    assert_eq!(told.matches("The agency is killed with").count(), 2, "{told}");
}

#[test]
fn a_folder_with_other_books_in_it_is_turned_down() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bank.db"), "").unwrap();
    let output = Command::new(TRAVEL).args(["demo", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("is not empty"));
}

/// The commands of the second block of shell in the README, after the one that builds.
fn by_hand() -> String {
    let readme = include_str!("../README.md");
    let block = readme.split("```sh\n").nth(2).unwrap().split("```").next().unwrap();
    let (build, commands) = block.split_once('\n').unwrap();
    assert!(build.starts_with("cargo build -p travel && PATH="), "{build}");
    commands.to_owned()
}

/// An address where nobody listens.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn the_commands_of_the_readme_book_one_trip_and_cancel_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}:{}", Path::new(TRAVEL).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (agency, services) = (free(), free());
    // What runs in the background ends with the shell, whatever becomes of it.
    let ask = r#"until travel show weekend | grep "weekend is booked"; do sleep 0.2; done; travel show later || true"#;
    let script = format!("set -e\ntrap 'kill $(jobs -p)' EXIT\n{}\n{ask}\n", by_hand());
    let begun = Instant::now();
    let output = Command::new("timeout")
        .args(["120", "bash", "-c", &script])
        .current_dir(folder.path())
        .envs([("PATH", &path), ("TRAVEL_AGENCY", &agency), ("TRAVEL_SERVICES", &services)])
        .output()
        .unwrap();
    let told = out(&output);
    assert!(output.status.success(), "after {:?}\n{told}", begun.elapsed().max(Duration::ZERO));
    for said in [
        "weekend is booked for 478.00: 2 train, 1 grand hotel, 1 car",
        "later is cancelled",
        "later is undone: cancelled: the boss said no",
    ] {
        assert!(told.contains(said), "{said} is not in\n{told}");
    }
}
