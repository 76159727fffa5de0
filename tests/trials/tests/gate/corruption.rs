//! R11: bits that flip.

use saga_trials::corruption::{Options, own_rows, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_in_a_journal_parks_its_instance_and_has_no_wrong_effect() {
    // With the second one the last row of a journal once had the number 0 from then on, and was overlooked.
    for seed in [11, 1_795_841_058] {
        let report = run(Options { seed, count: 1000, sums: true }).await.unwrap();
        assert!(report.violations.is_empty(), "{report}");
        // Every row of a journal is read before its instance goes on, and no flip leaves it as it was.
        assert_eq!(report.of("parked as unreadable"), 1000, "{report}");
        assert!(
            report.of("sqlite: flipped in event") > 300 && report.of("postgres: flipped in event") > 300,
            "{report}"
        );
    }
}

/// The trial can fail: of a row without its sum nobody can tell that it has changed, and wrong effects come of it, which are noticed.
#[tokio::test(flavor = "multi_thread")]
async fn without_sums_what_flipped_has_effects_and_the_trial_says_so() {
    let report = run(Options { seed: 12, count: 900, sums: false }).await.unwrap();
    let wrong = report.violations.iter().filter(|violation| violation.contains("wrong effect")).count();
    assert!(wrong > 3, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_in_an_instances_own_row_is_its_own_affair() {
    let report = own_rows(16, 100).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.of("undamaged, and ended as it should"), 100, "{report}");
    assert!(report.of("read the same") > 0, "{report}");
}
