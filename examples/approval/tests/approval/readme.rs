//! What the README says is so.

use std::path::Path;
use std::process::Command;

use approval::Approval;
use saga_runtime::prelude::*;

const README: &str = include_str!("../../README.md");

/// What stands in the blocks that begin with this fence.
fn blocks(fence: &str) -> Vec<&'static str> {
    let after = README.split(fence).skip(1);
    after.map(|rest| rest.split_once("```").expect("the block ends").0.trim()).collect()
}

#[test]
fn its_one_command_shows_what_it_says_it_shows() {
    assert_eq!(blocks("```sh\n"), ["cargo run -p approval"]);
    let output = Command::new(env!("CARGO_BIN_EXE_approval")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for block in blocks("```text\n") {
        assert!(said.contains(block), "the README shows\n{block}\nand there was\n{said}");
    }
    let verified =
        "Journals held against what the shop's services accepted: 6 instances, 77 rows, 8 effects: no violation";
    assert!(said.contains(verified), "{said}");
    assert!(said.contains("All four ended as they should"), "{said}");
}

#[test]
fn its_picture_is_the_saga_s() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("approval.svg");
    let drawn = Approval::definition().to_svg();
    if std::env::var_os("UPDATE_PICTURE").is_some() {
        std::fs::write(&file, &drawn).unwrap();
    }
    let shown = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(drawn == shown, "approval.svg is of another saga: `UPDATE_PICTURE=1 cargo test -p approval` draws it anew");
    assert!(README.contains("](approval.svg)"));
}
