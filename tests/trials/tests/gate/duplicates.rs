//! R13: everything more than once.

use saga_trials::duplicates::{Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_more_than_once_counts_once_and_anything_else_under_its_name_is_a_conflict() {
    let report = run(Options { seed: 13, count: 60, careless: false }).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    for kind in ["memory", "sqlite", "postgres"] {
        assert!(report.of(&format!("{kind}: starts with another input, refused as a conflict")) > 20, "{report}");
        assert!(report.of(&format!("{kind}: signals with another value, refused as a conflict")) > 20, "{report}");
        assert_eq!(report.of(&format!("{kind}: effects that happened once")), 60 * 5, "{report}");
    }
}

/// The trial can fail.
#[tokio::test(flavor = "multi_thread")]
async fn callers_that_invent_an_id_for_each_try_are_noticed() {
    let report = run(Options { seed: 14, count: 4, careless: true }).await.unwrap();
    assert!(report.violations.iter().any(|violation| violation.contains("taken were")), "{report}");
}
