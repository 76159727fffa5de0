//! What a command cannot begin with is named, with the reason and what to give instead.

use std::net::TcpListener;
use std::process::Command;

/// What `checkout` says when it is started with these arguments and ends with this status.
fn told(arguments: &[&str], status: i32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_checkout")).args(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
    told
}

fn says(told: &str, all: &[&str]) {
    for words in all {
        assert!(told.contains(words), "no {words:?}: {told}");
    }
}

#[test]
fn an_address_that_no_call_can_be_made_to_is_refused_with_its_option() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("orders.db");
    let db = db.to_str().unwrap();
    for bad in ["--inventory", "--payments", "--shipping"] {
        let mut arguments = vec!["orders", "--db", db];
        for option in ["--inventory", "--payments", "--shipping"] {
            arguments.extend([option, if option == bad { "notaurl" } else { "http://127.0.0.1:1" }]);
        }
        says(&told(&arguments, 2), &["notaurl", &format!("{bad} <URL>"), "as in http://127.0.0.1:7001"]);
    }
    says(
        &told(&["place", "orders.jsonl", "--orders-url", "localhost:7000"], 2),
        &["--orders-url <URL>", "`localhost:`"],
    );
    says(&told(&["demo", "--store", "notaurl"], 2), &["--store <URL>", "as in postgres://"]);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("inventory.db");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = told(&["inventory", "--db", db.to_str().unwrap(), "--listen", &address], 1);
    says(&told, &[&format!("cannot listen on {address}: "), "give `--listen` another address"]);
}

#[test]
fn a_file_that_cannot_be_the_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("README.md");
    std::fs::write(&text, "a text that is longer than the header of a database, ".repeat(4)).unwrap();
    let text = text.to_str().unwrap();
    says(&told(&["inventory", "--db", text], 1), &[&format!("error: {text} is no SQLite database"), "give `--db`"]);
    let nowhere = folder.path().join("nowhere/i.db");
    let nowhere = nowhere.to_str().unwrap();
    let all = [&format!("error: {nowhere} cannot be opened: unable to open"), "a folder that is there"];
    says(&told(&["inventory", "--db", nowhere], 1), &all);
}

#[test]
fn a_share_that_is_none_is_named_with_its_option() {
    let told = told(&["inventory", "--db", "never-made.db", "--faults", "refuse=2,lost=-1,late=0.1"], 1);
    says(&told, &["`--faults`: refuse is 2, and a share must be from 0 to 1", "lost is -1"]);
    assert!(!told.contains("late is"), "{told}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("kept");
    let below = below.to_str().unwrap();
    says(&told(&["demo", "--dir", below], 1), &[&format!("the folder {below} cannot be made"), "give `--dir`"]);
}
