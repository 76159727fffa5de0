//! R14: what cannot go well, among what can.

use crate::program;
use saga_trials::poison::{Options, aborts, run};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_poisoned_is_parked_or_gives_up_and_holds_nothing_while_the_others_end_well() {
    let report = run(Options { seed: 14, count: 200, rounds: 0, leak: false }).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    for kind in ["memory", "sqlite", "postgres"] {
        for poison in ["Panics", "Oversize", "Hangs"] {
            assert_eq!(report.of(&format!("{kind}: poison that {poison}")), 10, "{report}");
        }
        assert_eq!(report.of(&format!("{kind}: healthy, and ended well")), 200, "{report}");
        assert_eq!(report.of(&format!("{kind}: ran at the same time afterwards")), 16, "{report}");
    }
    assert_eq!(report.of("sqlite: poison that Undecodable"), 10, "{report}");
    assert_eq!(report.of("postgres: poison that Undecodable"), 10, "{report}");
}

/// The trial can fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_never_ends_and_holds_its_room_is_noticed() {
    let report = run(Options { seed: 15, count: 20, rounds: 0, leak: true }).await.unwrap();
    assert!(report.violations.iter().any(|violation| violation.contains("15 of 16 permits are free")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_ends_the_process_is_parked_after_three_recoveries_and_only_it() {
    let report = aborts(program(), 40).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.of("processes that ended by signal 6"), 4, "once, and in each recovery: {report}");
    assert_eq!((report.of("poison that is parked"), report.of("healthy, and ended well")), (1, 40), "{report}");
}
