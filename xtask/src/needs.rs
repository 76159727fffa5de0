//! What the other stages need on the machine, asked for by name before anything is built.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::Cargo;
use crate::stage::Failure;

/// Looks for the formatter, the linter, a C compiler and Postgres, and says what to type where one is missing.
pub(crate) fn check() -> Result<String, Failure> {
    let mut missing = Vec::new();
    for (tool, probe) in [("rustfmt", "fmt --version"), ("clippy", "clippy --version")] {
        if !Cargo::new(probe).succeeds() {
            missing.push(format!("`cargo {probe}` does not work. Type:\n    rustup component add {tool}"));
        }
    }
    if cfg!(windows) {
        // Rust's own linker there comes with Microsoft's compiler, which finds itself: no other way to have got here.
        println!("the C compiler is taken to be the one that Rust links with");
    } else if let Err(why) = c_compiler() {
        missing.push(why);
    }
    missing.extend(postgres(&postgres_folders()));
    if missing.is_empty() {
        return Ok(String::new());
    }
    Err(Failure { why: missing.join("\n"), again: None })
}

/// SQLite is compiled from its C source, with the program that `CC` names, or else `cc`.
fn c_compiler() -> Result<(), String> {
    let named = std::env::var("CC").ok().filter(|name| !name.trim().is_empty());
    let line = named.clone().unwrap_or_else(|| "cc".to_owned());
    match compiles_c(&line) {
        Ok(true) => Ok(()),
        Ok(false) => Err(no_compiler(&line, "cannot compile a program that includes <stdio.h>", named.is_some())),
        Err(error) => Err(no_compiler(&line, &format!("could not be started: {error}"), named.is_some())),
    }
}

/// Whether the compiler reads a program with a header: a compiler without its C library has no headers.
fn compiles_c(line: &str) -> std::io::Result<bool> {
    // `CC` may hold more than a program's name, such as `ccache gcc`.
    let mut words = line.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("cc"))
        .args(words)
        .args(["-x", "c", "-fsyntax-only", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(b"#include <stdio.h>\nint main(void) { return 0; }\n")?;
    }
    Ok(child.wait()?.success())
}

fn no_compiler(line: &str, why: &str, named: bool) -> String {
    let mut text = format!("the C compiler `{line}` {why}; SQLite is compiled from C. Type:\n{}", install_lines());
    if named {
        text.push_str("\nor unset CC, which names it");
    }
    text
}

fn install_lines() -> &'static str {
    if cfg!(target_os = "macos") {
        "    xcode-select --install"
    } else {
        "    apt-get install gcc libc6-dev    (Debian, Ubuntu)\n    \
             dnf install gcc                  (Fedora)\n    \
             apk add gcc musl-dev             (Alpine)"
    }
}

/// The tests of what runs on Postgres start a server of their own, with these programs.
fn postgres(folders: &[PathBuf]) -> Option<String> {
    let is_here = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    let absent: Vec<&str> = ["initdb", "postgres"].into_iter().filter(|program| !is_here(program)).collect();
    if absent.is_empty() {
        return None;
    }
    Some(format!(
        "Postgres is needed to test on it, and of it there is no `{}`, neither on PATH nor where Debian puts it. Type:\n    \
             apt-get install postgresql          (Debian, Ubuntu)\n    \
             dnf install postgresql-server       (Fedora)\n    \
             apk add postgresql                  (Alpine)\n    \
             brew install postgresql             (macOS)",
        absent.join("` and no `")
    ))
}

/// Where its programs may be: on PATH, or in a folder for each version, which Debian leaves out of PATH.
fn postgres_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::{compiles_c, install_lines, no_compiler, postgres};

    #[test]
    fn a_missing_postgres_is_named_with_the_line_to_type() {
        let text = postgres(&[std::env::temp_dir()]).expect("it is not there");
        assert!(
            text.contains("no `initdb` and no `postgres`,") && text.contains("apt-get install postgresql"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_compiler_is_named_with_the_line_to_type() {
        let text = no_compiler("cc", "could not be started: no such file", false);
        assert!(text.starts_with("the C compiler `cc` could not be started: no such file; SQLite is compiled from C"));
        assert!(text.contains(install_lines()) && !text.contains("unset CC"), "{text}");
    }

    #[test]
    fn a_compiler_that_was_named_can_be_unnamed() {
        assert!(no_compiler("clang-99", "could not be started", true).ends_with("or unset CC, which names it"));
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_and_no_panic() {
        assert!(compiles_c("no-such-compiler-anywhere").is_err());
    }
}
