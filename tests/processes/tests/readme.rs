//! The README's program is the one that is built here, does what the README says, and gives the message that it quotes.

use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, path::Path, process::Command};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, query_as};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between the first line that is this fence and the end of its block.
fn block(text: &str, fence: &str) -> String {
    let (_, rest) = text.split_once(&format!("{fence}\n")).expect("the README has such a block");
    rest.split_once("```\n").expect("the block ends").0.to_owned()
}

/// The lines of a message without those that say where it is.
fn said(message: &str) -> Vec<&str> {
    message.lines().filter(|line| !line.contains("-->") && !line.contains('|')).map(str::trim_end).collect()
}

#[test]
fn the_readme_s_program_is_compiled_here_to_the_letter() {
    assert_eq!(block(&read("../../README.md"), "```rust"), read("src/bin/readme/program.rs"));
}

#[test]
fn the_readme_s_program_undoes_what_it_did_when_the_card_is_declined() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    // The second run finds the first one's saga, and does nothing again.
    for (run, releases) in [("first", 2), ("second", 0)] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_readme")).current_dir(&folder).output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{run}: {said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.lines().filter(|line| line.starts_with("give hold")).count(), releases, "{run}: {said}");
        assert!(said.contains("undone, because Refused(Declined); left undone: 0"), "{run}: {said}");
    }
    fs::remove_dir_all(&folder).expect("it can be removed");
}

#[tokio::test]
async fn the_readme_s_query_shows_the_instance_s_own_id_and_times_as_the_readme_says() {
    let readme = read("../../README.md");
    let (_, query) = readme.split_once("`sqlite3 orders.db '").expect("the README has such a line");
    let query = query.split_once("'`").expect("the query ends").0.to_owned();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-query-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_readme")).current_dir(&folder).output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let file = SqliteConnectOptions::new().filename(folder.join("orders.db"));
    let mut database = SqliteConnection::connect_with(&file).await.expect("it can be opened");
    let rows = query_as::<_, (String, i64, i64, String)>(AssertSqlSafe(query)).fetch_all(&mut database).await;
    let rows = rows.expect("the query fits the tables");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_micros();
    for (id, _, at, _) in &rows {
        assert_eq!(id, "order-42");
        assert!(u128::try_from(*at).is_ok_and(|at| (now - 60_000_000..=now).contains(&at)), "{at} {now}");
    }
    let further: Vec<&str> = rows.iter().flat_map(|(.., event)| event.lines().skip(1)).collect();
    let told = |line: &str| {
        line.strip_prefix('+')
            .and_then(|line| line.split_once(' '))
            .is_some_and(|(micros, event)| micros.parse::<u64>().is_ok() && event.starts_with(['{', '"']))
    };
    assert!(!further.is_empty() && further.iter().all(|line| told(line)), "{further:?}");
    fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn the_way_out_of_a_park_is_that_of_an_example_which_is_compiled_and_run() {
    let shown = block(&read("../../README.md"), "The status names those that are possible:\n\n```rust");
    let example: String = shown.lines().flat_map(|line| ["/// ", line, "\n"]).collect();
    let docs = read("../../saga-runtime/src/runtime/park.rs");
    assert!(docs.contains(&example), "the documentation of `Park` has no such lines:\n{shown}");
}

#[test]
fn the_exploration_is_that_of_an_example_which_is_compiled_and_run() {
    let shown = block(&read("../../README.md"), "other orders of branches, or several instances:\n\n```rust");
    let example: String = shown.lines().flat_map(|line| ["/// ", line, "\n"]).collect();
    let docs = read("../../saga-runtime/src/testing/explore/mod.rs");
    assert!(docs.contains(&example), "the documentation of `explore` has no such lines:\n{shown}");
}

#[test]
fn the_message_that_the_readme_quotes_is_the_compiler_s() {
    let readme = read("../../README.md");
    let program = read("src/bin/readme/program.rs");
    let saga = program.split_once("#[tokio::main]").expect("it has a main").0;
    let (before, rest) = saga.split_once("    #[compensate(reserve)]").expect("`reserve` has an undo");
    let after = rest.split_once("\n    }\n\n").expect("the method ends").1;
    let torn = format!("{before}{after}fn main() {{}}\n");
    assert_eq!(torn, read("../ui/missing_compensation/readme.rs"), "the test is the README's saga without its undo");

    let quoted = block(&readme, "Delete `release`, and the saga does not compile:\n\n```text");
    assert_eq!(said(&quoted), said(&read("../ui/missing_compensation/readme.stderr")));
}
