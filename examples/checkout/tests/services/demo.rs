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
fn a_folder_with_other_books_in_it_is_turned_down() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.db"), "").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_checkout")).args(["demo", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is not empty"));
}
