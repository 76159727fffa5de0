//! The measurement at its smallest: that it still works, not how long anything takes.

use std::process::Command;

#[test]
fn the_smallest_programs_are_checked_with_nothing_beside_them() {
    let words = ["macro", "--runs", "1", "--steps", "5", "--beside", "nothing"];
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(words).output().expect("it was built for this");
    let (table, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('|').map(str::trim).collect())
        .filter(|row: &Vec<_>| row.len() > 2 && row[1] == "5")
        .collect();
    let ways: Vec<&str> = rows.iter().map(|row| row[2]).collect();
    assert_eq!(ways, ["no macro", "`#[saga]`", "no macro", "`#[saga]`"], "{table}");
    for row in rows {
        let lines = row[8].split(' ').next().and_then(|lines| lines.parse().ok());
        assert!(lines.is_some_and(|lines: usize| lines > 100), "{table}");
        assert_eq!(row[2] == "`#[saga]`", row[9].contains(" ms ("), "the macro says how long it took: {table}");
    }
}

#[test]
fn what_cannot_be_measured_is_said_and_the_program_fails() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).arg("nothing").output().expect("it was built for this");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to measure by the name of `nothing`"));
}
