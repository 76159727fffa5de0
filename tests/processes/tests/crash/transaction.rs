//! A process is killed at every point of a saga whose steps commit in the store's own transaction, before and after each thing
//! that they write, and started again: their rows are there exactly once.

use crate::{Folder, killed, points, said};
use serde_json::Value;
use sqlx::{Executor as _, query_as};

/// With a database of the application's own in it.
async fn folder(name: &str) -> Folder {
    let folder = Folder::new(name, env!("CARGO_BIN_EXE_transaction-child"), "books.db");
    let table = "CREATE TABLE entry (what TEXT NOT NULL, amount INTEGER NOT NULL)";
    folder.connect().await.execute(table).await.expect("a table can be made");
    folder
}

/// What the application's table holds.
async fn entries(folder: &Folder) -> Vec<(String, i64)> {
    let entries = query_as("SELECT what, amount FROM entry ORDER BY rowid");
    entries.fetch_all(&mut folder.connect().await).await.expect("it reads")
}

/// How many rows of the journal say that a step was done, and how many that one was undone.
async fn recorded(folder: &Folder) -> (usize, usize) {
    let journal = folder.journal().await;
    let count = |pointer: &str| journal.iter().filter_map(|event: &Value| event.pointer(pointer)).count();
    (count("/answered/done"), count("/undone"))
}

async fn killed_at_every_point(undone: bool, expected: &[(&str, i64)]) {
    let expected: Vec<(String, i64)> = expected.iter().map(|(what, amount)| ((*what).to_owned(), *amount)).collect();
    let undisturbed = folder(&format!("transaction-{undone}")).await;
    let points = points(&said(&undisturbed.life(&undone, 0)));
    assert_eq!(entries(&undisturbed).await, expected, "undisturbed");
    assert!(points > 6 * expected.len(), "there is a point before and after each commit and effect: {points}");

    for first in 1..=points {
        // Every point alone, and with a second kill somewhere in the life that recovers from it.
        for second in [0, 1 + first * 7 % points] {
            let history = format!("killed at {first} of {points}, then at {second}");
            let folder = folder(&format!("transaction-{undone}-{first}-{second}")).await;
            for point in [first, second] {
                let life = folder.life(&undone, point);
                if point > 0 && !killed(&life) {
                    assert_ne!(point, first, "{history}: {}", String::from_utf8_lossy(&life.stderr));
                }
                // Whatever a dead process left: there is a row for each record, and a record for each row.
                let entries = entries(&folder).await;
                let strikes = entries.iter().filter(|(what, _)| what == "strike").count();
                assert_eq!(recorded(&folder).await, (entries.len() - strikes, strikes), "{history}: {entries:?}");
                assert_eq!(entries, expected[..entries.len()], "{history}");
            }
            said(&folder.life(&undone, 0));
            assert_eq!(entries(&folder).await, expected, "{history}");
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
