//! What the page about reliability says of tests: each that it names is there.

use std::{fs, path::Path};

/// The tests that a line of the page names: name and file.
fn named(line: &str) -> Vec<(String, String)> {
    let links = line.split("[`").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("`](")?;
        let (file, _) = rest.split_once(')')?;
        Some((name.to_owned(), file.to_owned()))
    });
    links.collect()
}

#[test]
fn every_row_of_the_failure_matrix_names_a_test_that_is_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = fs::read_to_string(docs.join("reliability.md")).expect("the page is there");
    let (_, matrix) = page.split_once("## The failure matrix").expect("it has the matrix");
    let (matrix, _) = matrix.split_once("\n## ").expect("something follows it");
    let rows: Vec<&str> = matrix.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 15, "the matrix has its rows: {}", rows.len());
    for row in rows {
        let tests = named(row);
        assert!(!tests.is_empty(), "no test shows this: {row}");
        for (name, file) in tests {
            let text = fs::read_to_string(docs.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{file} has no test `{name}`");
        }
    }
}

#[test]
fn what_a_row_names_is_read_from_its_links() {
    let row = "| a | b | [`one_test`](../x/y.rs), [`another`](z.rs) |";
    let expected = [("one_test", "../x/y.rs"), ("another", "z.rs")].map(|(name, file)| (name.into(), file.into()));
    assert_eq!(named(row), expected);
}
