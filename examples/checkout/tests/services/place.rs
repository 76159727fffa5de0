//! `checkout place`.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{Shop, two_mugs};

fn place(lines: &str, url: &str) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.jsonl");
    std::fs::write(&file, lines).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_checkout"));
    (command.arg("place").arg(file).args(["--orders-url", url]).output().unwrap(), folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_named_and_the_rest_is_placed() {
    let shop = Shop::open("none").await;
    let mut other: Value = two_mugs("o-1");
    other["customer"] = "Somebody Else".into();
    shop.settle(&other).await;
    let bad = two_mugs("o-2").to_string().replace("12.50", "12.505");
    let lines = format!("{}\n\n{bad}\nnot an order\n{}\n", two_mugs("o-3"), two_mugs("o-1"));
    let (output, folder) = place(&lines, shop.orders.url());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1 of 4 orders placed\n");
    let errors = String::from_utf8(output.stderr).unwrap();
    let file = folder.path().join("some.jsonl");
    let complaints: Vec<&str> = errors.lines().collect();
    assert_eq!(complaints.len(), 3, "{errors}");
    for (complaint, (line, about)) in complaints.iter().zip([(3, "/lines/0/unit_price"), (4, "not JSON"), (5, "o-1")]) {
        assert!(complaint.starts_with(&format!("{}:{line}: ", file.display())), "{complaint}");
        assert!(complaint.contains(about), "{complaint}");
    }
    assert_eq!(shop.settled("o-3").await["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_orders_are_all_placed() {
    let shop = Shop::open("none").await;
    let (output, _folder) = place(include_str!("../../orders.jsonl"), shop.orders.url());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "150 of 150 orders placed\n");
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_checkout"));
    let output = command.args(["place", "no/such/file.jsonl", "--orders-url", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no/such/file.jsonl cannot be read"));
}
