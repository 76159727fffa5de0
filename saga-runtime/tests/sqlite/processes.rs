//! Two processes, and one that is killed.

use super::support::{Folder, append, refused, row, start, started};
use saga_runtime::store::{Store, Write, Written, sqlite::Sqlite};
use sqlx::{Connection, query_scalar};
use std::{
    env,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{self, Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// Where the child process finds the file.
const FILE: &str = "SAGA_TEST_FILE";
/// How the child process ends if it does not get the file.
const REFUSED: i32 = 7;

/// A process of its own that has the store open, and writes batches until it is killed: it says so after each one.
struct Other {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Other {
    fn spawn(path: &Path) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "processes::rule_30_a_second_process_is_refused_or_waits", "--nocapture"])
            .env(FILE, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        Self { process, says }
    }

    /// The number of the next batch that it was told is written; `None` if it is dead.
    fn written(&mut self) -> Option<u64> {
        let mut line = String::new();
        while self.says.read_line(&mut line).unwrap() > 0 {
            if let Some(number) = line.trim().strip_prefix("written ") {
                return Some(number.parse().unwrap());
            }
            line.clear();
        }
        None
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the other process does: it is this very program, told to run one test and where the file is.
async fn in_a_process_of_its_own(path: String) {
    let store = match Sqlite::open(path).await {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}");
            process::exit(REFUSED);
        }
    };
    let epoch = store.register().await.unwrap();
    let life = epoch.0;
    let no = started(&store, epoch, &format!("journal of {life}")).await;
    for number in 0.. {
        let rows = (0..3).map(|index| Write::Append(append(no, 2 + number * 3 + index)));
        let starts = (0..2).map(|index| Write::Start(start(&format!("{life} {number} {index}"))));
        let written = store.commit(epoch, &rows.chain(starts).collect::<Vec<_>>()).await.unwrap();
        assert!(matches!(written.last(), Some(Written::Started(_))));
        println!("written {number}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn rule_30_a_second_process_is_refused_or_waits() {
    if let Ok(path) = env::var(FILE) {
        return in_a_process_of_its_own(path).await;
    }
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let mut other = Other::spawn(&path);
    other.written().expect("the other process writes");
    let reason = refused(&path).await;
    assert!(reason.contains("orders.db") && reason.contains("another process"), "{reason}");
    let builder = Sqlite::builder(&path);
    builder.clone().wait(Duration::from_millis(200)).open().await.unwrap_err();
    let waiting = tokio::spawn(builder.wait(Duration::from_mins(1)).open());
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.written().expect("the other process goes on, whoever tries to open its file");
    assert!(!waiting.is_finished());
    other.kill();
    let store = waiting.await.unwrap().unwrap();
    store.register().await.unwrap();
}

#[tokio::test]
async fn a_store_in_this_process_keeps_others_out() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let mut other = Other::spawn(&path);
    assert_eq!(other.written(), None, "two processes opened one store");
    assert_eq!(other.process.wait().unwrap().code(), Some(REFUSED));
    store.close().await.unwrap();
    assert_eq!(Other::spawn(&path).written(), Some(0));
}

#[tokio::test]
async fn a_process_killed_in_the_middle_of_writing_leaves_whole_batches_and_everything_it_was_told() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    for round in 0..12_u64 {
        let mut other = Other::spawn(&path);
        let mut told = 0;
        for _ in 0..=round * 3 {
            told = other.written().expect("it writes until it is killed");
        }
        // Somewhere within the next commits, not always between two of them.
        tokio::time::sleep(Duration::from_micros(round * 137)).await;
        other.kill();
        while let Some(number) = other.written() {
            told = number;
        }
        let store = Sqlite::open(&path).await.expect("the lock of a dead process is free at once");
        let life = store.register().await.unwrap().0 - 1;
        let instance = store.find("checkout", &format!("journal of {life}")).await.unwrap().unwrap();
        let rows = store.journal(instance.no, 1, usize::MAX).await.unwrap();
        let batches = (rows.len() as u64 - 1) / 3;
        assert_eq!(
            rows,
            (1..=1 + batches * 3).map(row).collect::<Vec<_>>(),
            "the journal has whole batches, without gaps"
        );
        assert!(batches > told, "batch {told} was acknowledged, and {batches} are there");
        for number in 0..=batches {
            for index in 0..2 {
                let found = store.find("checkout", &format!("{life} {number} {index}")).await.unwrap();
                assert_eq!(found.is_some(), number < batches, "start {index} of batch {number} of {batches}");
            }
        }
        store.close().await.unwrap();
    }
    let mut reader = super::support::another(&path).await;
    let check: String = query_scalar("PRAGMA integrity_check").fetch_one(&mut reader).await.unwrap();
    assert_eq!(check, "ok");
    reader.close().await.unwrap();
}
