//! Running other programs: what is run is printed first, so that a person can type it too.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::Failure;

/// The workspace's root: the folder above this crate's.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A call of cargo, with the environment it needs besides the caller's.
pub(crate) struct Cargo {
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Cargo {
    /// `cargo` with these words after it.
    pub(crate) fn new(line: &'static str) -> Self {
        Self { arguments: line.split_whitespace().map(str::to_owned).collect(), environment: Vec::new() }
    }

    /// With these words after those that are there.
    pub(crate) fn with(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(words);
        self
    }

    /// Sets a variable for this call alone.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// The call as a person types it in a shell.
    pub(crate) fn line(&self) -> String {
        let set = self.environment.iter().map(|(name, value)| format!("{name}='{value}' "));
        format!("{}cargo {}", set.collect::<String>(), self.arguments.join(" "))
    }

    /// Runs it with its output in the open.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.announce();
        let status =
            self.command().status().map_err(|error| self.failure(&format!("could not be started: {error}")))?;
        if status.success() { Ok(()) } else { Err(self.failure(&format!("ended with {status}"))) }
    }

    /// Runs it with its output in the open, and hands each line of standard output to `see` as well.
    pub(crate) fn run_watched(&self, mut see: impl FnMut(&str)) -> Result<(), Failure> {
        self.announce();
        let lost = |error: std::io::Error| self.failure(&format!("could not be read: {error}"));
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| self.failure(&format!("could not be started: {error}")))?;
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            // By bytes: a test may print what is not UTF-8, and that is no reason to lose the rest.
            while output.read_until(b'\n', &mut line).map_err(lost)? > 0 {
                std::io::stdout().write_all(&line).map_err(lost)?;
                see(&String::from_utf8_lossy(&line));
                line.clear();
            }
        }
        let status = child.wait().map_err(lost)?;
        if status.success() { Ok(()) } else { Err(self.failure(&format!("ended with {status}"))) }
    }

    /// Runs it and returns what it printed. What it says on standard error stays in the open.
    pub(crate) fn output(&self) -> Result<String, Failure> {
        self.announce();
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.failure(&format!("could not be started: {error}")))?;
        if !output.status.success() {
            return Err(self.failure(&format!("ended with {}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|error| self.failure(&format!("printed what is not UTF-8: {error}")))
    }

    /// Whether it runs and succeeds; it is not announced and its output is not shown.
    pub(crate) fn succeeds(&self) -> bool {
        let quiet = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    }

    /// What to report when this call is the one that failed.
    pub(crate) fn failure(&self, why: &str) -> Failure {
        Failure { why: format!("`{}` {why}", self.line()), again: Some(self.line()) }
    }

    fn announce(&self) {
        println!("$ {}", self.line());
    }

    fn command(&self) -> Command {
        // The very cargo that started this one, so that every stage has the pinned toolchain.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(root());
        // `cargo run` describes this crate in the environment; what is built from here is not this crate.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::{Cargo, root};

    #[test]
    fn a_call_is_shown_as_it_would_be_typed() {
        let call = Cargo::new("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(call.line(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_failure_says_what_was_run_and_how_to_run_it_again() {
        let failure = Cargo::new("fmt --check").failure("ended with exit status: 1");
        assert_eq!(failure.why, "`cargo fmt --check` ended with exit status: 1");
        assert_eq!(failure.again.as_deref(), Some("cargo fmt --check"));
    }

    #[test]
    fn the_root_is_where_the_workspace_is_declared() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
        assert!(manifest.starts_with("[workspace]"));
    }
}
