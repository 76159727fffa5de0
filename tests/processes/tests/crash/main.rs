//! Processes are killed at every point around a write and an effect, and started again on what they left. What is tried here is the
//! first and the last time that each saga passes each point; `crash-points` tries every time, and every pair.

mod planted;

use saga_process_tests::{
    StoreKind,
    trial::{Report, Trial},
};
use std::path::{Path, PathBuf};

/// A trial in a folder of this name.
fn trial(name: &str) -> Trial {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    Trial::new(PathBuf::from(env!("CARGO_BIN_EXE_crash-points")), folder)
}

fn every_point_is_hit_and_no_promise_broken(store: StoreKind, at_a_time: usize) -> Report {
    let report = Trial { stores: vec![store], at_a_time, ..trial(&store.to_string()) }.run();
    assert!(report.is_good(), "{report}");
    for saga in ["trip", "voyage", "books"] {
        let hit = report.points.iter().filter(|row| row.hit(store, saga) > 0).count();
        assert!(hit > 40, "{saga} was killed at {hit} of the points\n{report}");
    }
    report
}

#[test]
fn on_a_file_whoever_is_killed_at_any_point_keeps_every_promise() {
    every_point_is_hit_and_no_promise_broken(StoreKind::Sqlite, 3);
}

/// Here each life after a death waits for a lease, so that more of them go on at a time.
#[test]
fn on_a_server_whoever_is_killed_at_any_point_keeps_every_promise() {
    every_point_is_hit_and_no_promise_broken(StoreKind::Postgres, 6);
}
