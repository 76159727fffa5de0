//! R7: workers that stand still.

use crate::program;
use saga_trials::zombie::{Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_for_three_leases_changes_nothing_when_it_wakes() {
    let report = run(program(), Options { pauses: 4, at_hand: 20, forgetful: false }).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    assert!(report.of("attempts that were lost with a worker") > 4, "{report}");
    assert_eq!(report.of("completed while a worker stood still"), 40, "{report}");
    assert_eq!(report.of("undone while a worker stood still"), 40, "{report}");
}

/// The trial can fail: where keys mean nothing, what is asked for again happens again.
#[tokio::test(flavor = "multi_thread")]
async fn participants_that_ignore_keys_are_noticed() {
    let report = run(program(), Options { pauses: 1, at_hand: 10, forgetful: true }).await.unwrap();
    assert!(report.violations.iter().any(|violation| violation.contains("accepted twice")), "{report}");
}
