//! A process is killed at every point of a saga whose steps commit in the store's own transaction, before and after each thing
//! that they write, and started again: their rows are there exactly once.

use sqlx::{ConnectOptions, Executor as _, SqliteConnection, query_as, sqlite::SqliteConnectOptions};
use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder of its own for each history, removed when it is over.
struct Folder(PathBuf);

impl Folder {
    /// With a database of the application's own in it.
    async fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("transaction-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        let folder = Self(path);
        let table = "CREATE TABLE entry (what TEXT NOT NULL, amount INTEGER NOT NULL)";
        folder.connect().await.execute(table).await.expect("a table can be made");
        folder
    }

    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.0.join("books.db")).create_if_missing(true);
        options.connect().await.expect("it connects")
    }

    fn life(&self, undone: bool, point: usize) -> Output {
        Command::new(env!("CARGO_BIN_EXE_transaction-child"))
            .args([self.0.as_os_str(), undone.to_string().as_ref(), point.to_string().as_ref()])
            .output()
            .expect("the child can be started")
    }

    /// What the application's table holds.
    async fn entries(&self) -> Vec<(String, i64)> {
        let entries = query_as("SELECT what, amount FROM entry ORDER BY rowid");
        entries.fetch_all(&mut self.connect().await).await.expect("it reads")
    }

    /// How often each kind of row is in the journal, for what has happened and what was undone.
    async fn recorded(&self) -> (usize, usize) {
        let found: Result<Vec<(String,)>, _> =
            query_as("SELECT event FROM journal").fetch_all(&mut self.connect().await).await;
        // There is no journal yet.
        let rows = found.unwrap_or_default();
        let count = |start: &str| rows.iter().filter(|(event,)| event.starts_with(start)).count();
        (count(r#"{"answered":{"answer":{"done""#), count(r#"{"undone""#))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How many points a life passed that was not killed.
fn passed(output: &Output) -> usize {
    assert!(output.status.success(), "the life ends well: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a number")
}

async fn killed_at_every_point(undone: bool, expected: &[(&str, i64)]) {
    let expected: Vec<(String, i64)> = expected.iter().map(|(what, amount)| ((*what).to_owned(), *amount)).collect();
    let folder = Folder::new(&format!("{undone}")).await;
    let points = passed(&folder.life(undone, 0));
    assert_eq!(folder.entries().await, expected, "undisturbed");
    assert!(points > 6 * expected.len(), "there is a point before and after each commit and effect: {points}");

    for first in 1..=points {
        // Every point alone, and with a second kill somewhere in the life that recovers from it.
        for second in [0, 1 + first * 7 % points] {
            let history = format!("killed at {first} of {points}, then at {second}");
            let folder = Folder::new(&format!("{undone}-{first}-{second}")).await;
            for point in [first, second] {
                let life = folder.life(undone, point);
                if point > 0 && life.status.signal() != Some(9) {
                    assert_ne!(point, first, "{history}: {}", String::from_utf8_lossy(&life.stderr));
                }
                // Whatever a dead process left: there is a row for each record, and a record for each row.
                let entries = folder.entries().await;
                let strikes = entries.iter().filter(|(what, _)| what == "strike").count();
                assert_eq!(folder.recorded().await, (entries.len() - strikes, strikes), "{history}: {entries:?}");
                assert_eq!(entries, expected[..entries.len()], "{history}");
            }
            passed(&folder.life(undone, 0));
            assert_eq!(folder.entries().await, expected, "{history}");
        }
    }
}

#[tokio::test]
async fn what_a_step_wrote_is_there_exactly_once_wherever_its_process_is_killed() {
    killed_at_every_point(false, &[("enter", 100), ("enter", 101), ("decide", 0)]).await;
}

#[tokio::test]
async fn what_a_compensation_wrote_is_there_exactly_once_wherever_its_process_is_killed() {
    killed_at_every_point(true, &[("enter", 100), ("enter", 101), ("strike", 101), ("strike", 100)]).await;
}
