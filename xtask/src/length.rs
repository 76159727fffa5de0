//! Files that a person can read: a source file of more than 700 lines is split.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::root;
use crate::stage::Failure;

const MOST: usize = 700;

/// Measures every Rust file of the workspace that is not a test.
pub(crate) fn check() -> Result<String, Failure> {
    let mut files = Vec::new();
    collect(root(), &mut files).map_err(|why| Failure { why, again: None })?;
    files.sort();
    let mut longest = 0;
    let mut over = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| unread(file, &error))?;
        let lines = lines_apart_from_tests(&text);
        longest = longest.max(lines);
        if lines > MOST {
            let shown = file.strip_prefix(root()).unwrap_or(file).display();
            over.push(format!("  {shown}: {lines} lines"));
        }
    }
    if over.is_empty() {
        return Ok(format!("{} files, the longest {longest} lines of at most {MOST}", files.len()));
    }
    let why = format!("longer than {MOST} lines, tests apart (split them):\n{}", over.join("\n"));
    Err(Failure { why, again: None })
}

fn unread(file: &Path, error: &std::io::Error) -> Failure {
    Failure { why: format!("{} could not be read: {error}", file.display()), again: None }
}

/// Adds the source files below `folder`, leaving out what is built, hidden, or a test.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let lost = |error: std::io::Error| format!("{} could not be read: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(lost)? {
        let entry = entry.map_err(lost)?;
        let path = entry.path();
        if entry.file_type().map_err(lost)?.is_dir() {
            if is_source_folder(&entry.file_name().to_string_lossy()) {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_source_folder(name: &str) -> bool {
    !name.starts_with('.') && !matches!(name, "target" | "data" | "tests")
}

/// The lines before the file's own test module, which by custom stands last.
fn lines_apart_from_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests {"));
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::{is_source_folder, lines_apart_from_tests};

    #[test]
    fn a_test_module_at_the_end_does_not_count() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(lines_apart_from_tests(text), 2);
    }

    #[test]
    fn a_file_without_tests_counts_whole() {
        assert_eq!(lines_apart_from_tests("a\nb\nc\n"), 3);
        assert_eq!(lines_apart_from_tests("#[cfg(test)]\nuse a;\nb\n"), 3);
        assert_eq!(lines_apart_from_tests(""), 0);
    }

    #[test]
    fn what_is_built_hidden_or_a_test_is_left_out() {
        for left_out in ["target", ".git", "tests", "data"] {
            assert!(!is_source_folder(left_out), "{left_out}");
        }
        assert!(is_source_folder("src"));
    }
}
