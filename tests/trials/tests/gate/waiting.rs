//! R15: very many that wait.

use saga_trials::waiting::{Options, run};

const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_sleeps_is_not_in_memory_and_keeps_nobody_from_running() {
    for server in [false, true] {
        let report = run(Options { count: MANY, orphans: false, server, timed: false }).await.unwrap();
        assert!(report.violations.is_empty(), "{report}");
        assert_eq!(report.of("instances that still sleep"), MANY as u64, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_all_taken_up_a_few_at_a_time() {
    for server in [false, true] {
        let report = run(Options { count: 3_000, orphans: true, server, timed: false }).await.unwrap();
        assert!(report.violations.is_empty(), "{report}");
        assert_eq!(report.of("orphans that completed"), 3_000, "{report}");
    }
}
