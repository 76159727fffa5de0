//! The demonstration itself, small.

use std::process::Command;

use serde_json::Value;

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
    assert_eq!((count("orders"), count("kills")), (60, 4));
    assert_eq!((count("violations"), count("parked")), (0, 0));
    assert_eq!(count("completed") + count("compensated"), 60);
    assert!(count("completed") > 0 && count("compensated") > 0, "{object}");
    for file in ["inventory.db", "orders.db", "orders.log", "checkout-saga.svg"] {
        assert!(dir.join(file).exists(), "{file}");
    }
    assert!(told.contains("Verdict: all is well"), "{told}");
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
    assert_eq!((count("orders"), count("workers"), count("kills"), count("violations")), (60, 3, 3, 0));
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
    assert_eq!((count("orders"), count("kills"), count("pauses"), count("violations")), (240, 1, 3, 0));
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
fn a_folder_with_other_books_in_it_is_turned_down() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.db"), "").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_checkout")).args(["demo", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is not empty"));
}
