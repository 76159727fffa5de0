//! R16: databases of earlier releases.

use saga_trials::old::{kept, run, write};

#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_releases_left_finishes_on_this_build_or_is_refused_by_name() {
    let report = run(&kept()).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    let own = format!("{}, sqlite: found Parked", env!("CARGO_PKG_VERSION"));
    assert_eq!(report.of(&own), 1, "the databases of this release are kept: {report}");
}

/// The trial can fail: what this build writes is read as it is, and a participant that has forgotten what it accepted is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn participants_that_forgot_what_they_accepted_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let version = folder.path().join("now");
    write(&version).await.unwrap();
    let report = run(folder.path()).await.unwrap();
    assert!(report.violations.is_empty(), "{report}");
    std::fs::write(version.join("sqlite.participants.json"), r#"{"accepted":[],"answers":{},"barred":[]}"#).unwrap();
    let report = run(folder.path()).await.unwrap();
    assert!(report.violations.iter().any(|violation| violation.contains("no participant has it")), "{report}");
}
