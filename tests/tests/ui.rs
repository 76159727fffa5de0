//! What does not compile, with the message that it gets, and beside it what does.
//!
//! A folder is a check of the catalogue and a file one mistake; in `rustc` a file has many of one kind, each of which rustc
//! says in its own words, where the user wrote it, and once, although the flow is compiled twice.
//! `TRYBUILD=overwrite cargo test -p saga-tests --test ui` writes the messages; they are then read as prose: could a newcomer
//! mend the program from the message alone? The pages of the documentation are made of the same files: `PAGES=overwrite`
//! writes those.

#[path = "../../saga-macros/src/checks.rs"]
mod checks;
#[path = "ui/pages.rs"]
mod pages;

use checks::{BY_TYPE, CHECKS};
use std::{collections::BTreeSet, path::Path};

#[test]
fn mistakes_do_not_compile_and_say_why() {
    let cases = trybuild::TestCases::new();
    for check in folders() {
        cases.compile_fail(format!("ui/{check}/*.rs"));
    }
}

#[test]
fn what_is_close_to_a_mistake_compiles() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

#[test]
fn every_check_has_a_program_that_it_refuses_and_the_closest_that_it_does_not() {
    let ids: BTreeSet<&str> = CHECKS.iter().chain(BY_TYPE).map(|(id, ..)| *id).collect();
    assert_eq!(ids.len(), CHECKS.len() + BY_TYPE.len(), "each is listed once");
    for id in &ids {
        let refused = files(id, "rs");
        assert!(!refused.is_empty(), "there is no program in ui/{id} that `{id}` refuses");
        assert_eq!(
            refused,
            files(id, "stderr"),
            "each program in ui/{id} has its message, and each message its program"
        );
        assert!(Path::new(&format!("ui/pass/{id}.rs")).is_file(), "there is no ui/pass/{id}.rs");
    }
    let unknown: Vec<String> =
        folders().into_iter().filter(|folder| !ids.contains(&**folder) && folder != "several").collect();
    assert_eq!(
        unknown,
        ["private_input", "rustc"],
        "rustc's own messages, at which the machine has only to hold still"
    );
    let programs: usize = folders().iter().map(|folder| files(folder, "rs").len()).sum();
    assert!(programs >= 90, "{programs} programs");
}

/// The folders of programs that do not compile.
fn folders() -> Vec<String> {
    let entries = std::fs::read_dir("ui").expect("the folder of the checks");
    let names = entries.map(|entry| entry.expect("a folder").file_name().into_string().expect("an id is ASCII"));
    let mut folders: Vec<String> = names.filter(|name| name != "pass").collect();
    folders.sort();
    folders
}

/// The names of a folder's files of this kind, without the ending.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new("ui").join(folder));
    let paths = entries.into_iter().flatten().map(|entry| entry.expect("a file").path());
    let of_kind = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
    let mut names: Vec<String> =
        of_kind.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}
