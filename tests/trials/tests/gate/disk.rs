//! R8 and R9: disks that are full, and disks that fail.

use crate::program;
use saga_trials::disk::{LIES, TOLD, run};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_fails_first_is_told_or_made_good_and_nothing_is_acknowledged_without_its_record() {
    let report = run(program(), &TOLD, 9).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    for fault in ["an I/O error, once", "an I/O error, and from then on", "a full disk"] {
        assert!(report.of(&format!("{fault}: writes that it began with")) > 5, "{report}");
        assert!(report.of(&format!("{fault}: told to whoever asked")) > 0, "{report}");
    }
}

/// The trial can fail: a disk that says it has written, and has not, is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_is_noticed() {
    let report = run(program(), &LIES, 9).await.unwrap();
    assert!(!report.violations.is_empty(), "{report}");
}
