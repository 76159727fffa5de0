//! What does not compile, with the message that it gets, and beside it what does.
//!
//! A folder is a check of the catalogue and a file one mistake. `TRYBUILD=overwrite cargo test -p saga-tests --test ui`
//! writes the messages; they are then read as prose: could a newcomer mend the program from the message alone?

use std::path::Path;

#[test]
fn mistakes_do_not_compile_and_say_why() {
    let cases = trybuild::TestCases::new();
    for check in std::fs::read_dir("ui").expect("the folder of the checks") {
        let check = check.expect("a folder of a check").file_name().into_string().expect("an id is ASCII");
        if check != "pass" {
            cases.compile_fail(format!("ui/{check}/*.rs"));
        }
    }
}

#[test]
fn what_is_close_to_a_mistake_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn every_check_has_a_program_that_it_refuses() {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../saga-macros/src/checks.rs");
    let table = std::fs::read_to_string(checks).expect("the table of checks is beside this crate");
    let ids: Vec<_> = table.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    assert!(ids.contains(&"missing_compensation"), "the table was read: {ids:?}");
    let missing: Vec<_> = ids
        .into_iter()
        .filter(|id| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui").join(id);
            !std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
        })
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "checks without a compile-fail test");
}
