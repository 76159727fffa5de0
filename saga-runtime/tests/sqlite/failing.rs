//! A disk that fails: the operating system refuses to let a process's files grow beyond a limit, which SQLite sees as an
//! I/O error in the middle of a commit.

use super::support::{Folder, append, row, start, started};
use saga_runtime::store::{
    Append, Filter, Row, Store, Write, Written,
    committer::{CommitError, Committer, Health},
    sqlite::Sqlite,
};
use std::{env, process::Command, sync::Arc};

const FILE: &str = "SAGA_TEST_FILE";

/// What the process does whose disk fails: it is this very program, told to run the one test and where the file is.
async fn in_a_process_whose_disk_fails(path: String) {
    let store = Arc::new(Sqlite::open(path).await.unwrap());
    let epoch = store.register().await.unwrap();
    let running = started(&*store, epoch, "running").await;
    let committer = Committer::new(Arc::clone(&store) as Arc<dyn Store>, epoch);
    let big = Row { event: "x".repeat(20_000).into(), ..row(1) };
    let mut fitted = 0;
    let cause = loop {
        let mut start = start(&fitted.to_string());
        start.rows = vec![big.clone()];
        match committer.write(Write::Start(start)).await {
            Ok(Written::Started(_)) => fitted += 1,
            Err(CommitError::Unavailable(cause)) => break cause,
            other => panic!("a start on a disk that fails answered {other:?}"),
        }
        assert!(fitted < 1000, "the disk does not fail");
    };
    assert!(cause.contains("disk I/O error"), "the cause is not named: {cause}");
    assert!(store.find("checkout", &fitted.to_string()).await.unwrap().is_none(), "a refused start is there");
    // Larger than the start that did not fit: that one also had to write to the indexes.
    let result = Row { seq: 2, event: "x".repeat(60_000).into(), ..big };
    let result = Append { rows: vec![result], ..append(running, 2) };
    let kept = tokio::spawn(committer.write(Write::Append(result)));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!kept.is_finished(), "a result was given up");
    assert!(matches!(&*committer.health().borrow(), Health::Unavailable(_)));
    assert_eq!(store.journal(running, 1, 10).await.unwrap(), [row(1)], "reading goes on");
    println!("fitted {fitted}");
}

#[tokio::test]
async fn a_disk_that_fails_refuses_starts_with_the_cause_and_loses_nothing() {
    if let Ok(path) = env::var(FILE) {
        return in_a_process_whose_disk_fails(path).await;
    }
    let folder = Folder::new();
    let path = folder.file("orders.db");
    // In blocks of 512 bytes, as POSIX has it, or of 1 KiB: a megabyte or less. The signal that comes with it is ignored.
    let script = "trap '' XFSZ; ulimit -f 1000; exec \"$0\" --exact failing::a_disk_that_fails_refuses_starts_with_the_cause_and_loses_nothing --nocapture";
    let shell =
        Command::new("sh").args(["-c", script]).arg(env::current_exe().unwrap()).env(FILE, &path).output().unwrap();
    let (said, moaned) = (String::from_utf8_lossy(&shell.stdout), String::from_utf8_lossy(&shell.stderr));
    assert!(shell.status.success(), "{said}\n{moaned}");
    let fitted = said.lines().find_map(|line| line.split("fitted ").nth(1)).expect("it says how many fitted");
    let fitted: usize = fitted.trim().parse().unwrap();
    assert!(fitted > 5, "only {fitted} fitted");
    let store = Sqlite::open(&path).await.unwrap();
    let all = store.list(&Filter::default(), None, 2000).await.unwrap();
    assert_eq!(all.len(), fitted + 1, "what was acknowledged is there, and nothing else");
    for instance in all {
        assert_eq!(store.journal(instance.no, 1, 10).await.unwrap().len(), 1);
    }
    let epoch = store.register().await.unwrap();
    started(&store, epoch, "next").await;
}
