//! The measurements of speed at their smallest: that they work, and print what they say they print; not how fast anything is.

use serde_json::Value;
use std::process::{Command, Output};

/// Of each case, exactly as `docs/performance.md` names them.
const FIELDS: [&str; 10] = [
    "case",
    "store",
    "in_flight",
    "sagas_per_s",
    "p50_ms",
    "p99_ms",
    "rss_mib",
    "bytes_per_saga",
    "raw_rows_per_s",
    "ratio_raw",
];

fn bench(words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench")).args(words.split(' ')).output().expect("it was built for this")
}

/// Runs a case once, for a moment, and reads its lines.
fn measured(words: &str) -> (Value, Vec<Value>) {
    let output = bench(&format!("{words} --runs 1 --seconds 0.3 --json"));
    let (lines, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words}: {said}");
    let mut lines = lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
    let machine = lines.next().expect("the machine comes first");
    let rows: Vec<Value> = lines.collect();
    for row in &rows {
        for field in FIELDS {
            assert!(row.get(field).is_some(), "{words}: no `{field}` in {row}");
        }
        assert!(number(row, "raw_rows_per_s") > 0.0, "{words}: {row}");
    }
    (machine, rows)
}

fn number(row: &Value, field: &str) -> f64 {
    let number = row[field].as_f64().filter(|number| number.is_finite());
    number.unwrap_or_else(|| panic!("`{field}` is no number: {row}"))
}

fn cases(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["case"].as_str().expect("a name")).collect()
}

/// What is said of a workload that ran beside the bare writer.
fn assert_load(row: &Value) {
    for field in ["sagas_per_s", "p50_ms", "p99_ms", "ratio_raw", "min", "max"] {
        assert!(number(row, field) > 0.0, "{field}: {row}");
    }
    assert!(number(row, "bytes_per_saga") >= 0.0);
    if cfg!(target_os = "linux") {
        // Of the processor, hundredths of a second are counted.
        assert!(number(row, "rss_mib") > 0.0 && number(row, "cpu_us_per_saga") >= 0.0, "{row}");
    }
}

#[test]
fn each_workload_runs_on_sqlite_beside_the_bare_writer() {
    let (machine, rows) = measured("w1 --store sqlite --in-flight 1,4");
    assert_eq!(cases(&rows), ["w1_bare", "w1", "w1_bare", "w1"]);
    rows.iter().for_each(assert_load);
    assert!(number(&machine, "cores") > 0.0 && machine["versions"]["sqlite"].is_string(), "{machine}");
    assert_eq!(machine["settings"]["synchronous"], "full");

    let (_, rows) = measured("w2 --in-flight 4");
    assert_eq!(cases(&rows), ["w2_bare", "w2"]);
    rows.iter().for_each(assert_load);
    assert!(number(&rows[1], "ratio_w1") > 0.0);

    let (_, rows) = measured("latency");
    assert_eq!(cases(&rows), ["latency_bare", "latency"]);
    rows.iter().for_each(assert_load);
    assert!(number(&rows[1], "ratio_p50") > 0.0);
}

#[test]
fn sleepers_that_are_due_wake_and_what_is_in_flight_is_weighed() {
    let (_, rows) = measured("w3 --in-flight 4 --instances 1500");
    assert_eq!(cases(&rows), ["w3_without", "w3"]);
    rows.iter().for_each(assert_load);
    assert!(number(&rows[1], "ready_ms") > 0.0 && number(&rows[1], "ratio_w1") > 0.0);

    let (_, rows) = measured("kept --in-flight 4 --instances 200");
    assert_eq!(cases(&rows), ["kept"]);
    assert!(number(&rows[0], "mib_after_01_tenths") > 0.0 && number(&rows[0], "mib_after_10_tenths") > 0.0);

    let (_, rows) = measured("limits --sagas 50");
    assert_eq!(cases(&rows), ["raw_1", "raw_100", "memory"]);
    assert!(number(&rows[0], "commits_per_s") > 0.0 && number(&rows[1], "rows_per_s") > 0.0);
    assert_eq!(rows[2]["in_flight"], 50);
}

#[test]
fn several_workers_run_on_postgres_and_take_over_from_one_that_is_dead() {
    let url = saga_test_postgres::url();
    let (machine, rows) = measured(&format!("w1 --store {url} --workers 2"));
    assert_eq!(cases(&rows), ["w1_bare", "w1", "w1"]);
    rows.iter().for_each(assert_load);
    assert_eq!((&rows[2]["workers"], &rows[2]["in_flight"]), (&2.into(), &128.into()));
    assert!(number(&rows[2], "ratio_one_worker") > 0.0);
    assert_eq!(machine["settings"]["fsync"], "off", "a measurement says what it was made with");

    let (_, rows) = measured(&format!("takeover --store {url} --instances 1500 --lease 1"));
    assert_eq!(cases(&rows), ["takeover_claims", "takeover"]);
    for row in &rows {
        assert!(number(row, "seconds") >= 0.0);
    }
}

#[test]
fn what_makes_no_sense_is_said_and_nothing_is_measured() {
    for (words, said) in [
        ("w1 --store mysql", "`mysql` is no store"),
        ("w1 --runs none", "`none` is no number from 1 up"),
        ("w1 --runs 0", "`0` is no number from 1 up"),
        ("w1 --seconds -1", "`-1` is no time"),
        ("w1 --in-flight 1,x", "`x` is no number from 1 up"),
        ("w1 --store", "`--store` takes a value"),
        ("w1 --workers 4", "`--workers` needs `--store postgres`"),
        ("w2 --workers 4", "`--workers` is an option of `w1`, and not of `w2`"),
        ("w1 --lease 1", "`--lease` is an option of `takeover`, and not of `w1`"),
        ("w1 --write", "`--write` is an option of `all`"),
        ("all --store sqlite --write", "`--write` needs both stores"),
        ("w1 --fast", "`--fast` is no option of `w1`"),
        ("takeover --store sqlite", "`--store postgres`"),
        ("w1 --store postgres://nobody@127.0.0.1:1/none", "the server does not let us in"),
        ("job nonsense", "for the processes that `bench` starts"),
    ] {
        let output = bench(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{words}");
        assert!(error.contains(said), "{words}: {error}");
    }
}
