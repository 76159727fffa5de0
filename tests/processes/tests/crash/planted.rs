//! The trial can fail: mistakes that are planted, of participants, of the ledger and of the table, and what it says of them.

use crate::trial;
use saga_process_tests::{
    Kill, Named, Planted, StoreKind,
    cases::CASES,
    trial::{Report, Trial},
};

/// Short trips, on a file.
fn with(name: &str, case: &str, planted: Option<Planted>) -> Trial {
    let cases = CASES.iter().filter(|found| found.name == case).collect();
    Trial { stores: vec![StoreKind::Sqlite], cases, planted, at_a_time: 2, ..trial(name) }
}

/// Killed at this point alone.
fn at(point: &str, trial: Trial) -> Report {
    Trial { exactly: Some((vec![Kill { point: point.to_owned(), nth: 1 }], 1)), ..trial }.run()
}

fn says(report: &Report, words: &str) {
    assert!(report.violations.iter().any(|violation| violation.contains(words)), "`{words}` is not in\n{report}");
}

#[test]
fn a_participant_that_ignores_its_key_is_found_where_an_effect_is_not_recorded() {
    let trial = with("ignores", "a short trip", Some(Planted::IgnoresKeys));
    let report = at("after effect: step", trial.clone());
    says(&report, "`book` was accepted twice under one key");
    says(&report, "--case \"a short trip\" --kill \"after effect: step (1)\"");
    assert!(!report.is_good());
    // Where nothing has to be made again, nothing is wrong with it.
    let report = at("before effect: step", trial);
    assert!(report.violations.is_empty(), "{report}");
}

#[test]
fn a_participant_that_undoes_again_is_found() {
    let case = "a trip with a long history that is undone";
    let report = at("after effect: undo", with("again", case, Some(Planted::UndoesAgain)));
    says(&report, "was accepted twice");
}

#[test]
fn a_ledger_that_loses_an_entry_is_found() {
    let report =
        at("before attempt: step", with("forgets", "a long trip that pays by its second card", Some(Planted::Forgets)));
    says(&report, "is done by the journal, and no participant has it");
}

#[test]
fn a_point_that_is_listed_and_never_hit_is_named() {
    let mut trial = with("never", "a short trip", None);
    trial.table = vec![
        Named { name: "before commit: completed".to_owned(), only: None },
        Named { name: "before commit: merged".to_owned(), only: None },
        Named { name: "before call: renew".to_owned(), only: Some(StoreKind::Postgres) },
    ];
    let report = trial.run();
    assert_eq!(report.missed(), [(StoreKind::Sqlite, "before commit: merged".to_owned())], "{report}");
    assert!(report.violations.is_empty() && !report.is_good(), "{report}");
    assert!(report.to_string().contains("never hit on sqlite: before commit: merged"), "{report}");
}

#[test]
fn a_point_that_is_passed_and_not_listed_is_named() {
    let report = at("before commit: completed", with("unlisted", "a short trip", Some(Planted::Unlisted)));
    says(&report, "a point is passed that is not in the table: before effect: step");
}
