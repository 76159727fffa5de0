//! How a service ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn start(folder: &tempfile::TempDir, option: Option<&str>) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_checkout"))
        .args(["payments", "--db"])
        .arg(folder.path().join("payments.db"))
        .args(option)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
    child
}

fn ends_well(mut child: Child) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it goes on");
}

#[test]
fn a_service_ends_with_whoever_holds_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(&folder, Some("--until-stdin-ends"));
    drop(child.stdin.take());
    ends_well(child);
}

#[test]
fn sigterm_and_ctrl_c_end_a_service_cleanly() {
    for signal in ["-TERM", "-INT"] {
        for option in [None, Some("--until-stdin-ends")] {
            let folder = tempfile::tempdir().unwrap();
            let child = start(&folder, option);
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
            ends_well(child);
        }
    }
}
