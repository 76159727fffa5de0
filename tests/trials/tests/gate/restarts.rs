//! R5: a server that is ended at once.

use saga_trials::restarts::{Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_ended_under_load_loses_nothing_that_was_acknowledged() {
    let report = run(Options { restarts: 2, count: 1_500, durable: false, damage: false }).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.of("restarts under load"), 2, "{report}");
    assert_eq!(report.of("postgres: instances verified"), 1_500, "{report}");
}

/// The trial can fail.
#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_no_participant_has_is_noticed() {
    let report = run(Options { restarts: 1, count: 100, durable: false, damage: true }).await.unwrap();
    assert_eq!(report.violations.len(), 1, "{report}");
}
