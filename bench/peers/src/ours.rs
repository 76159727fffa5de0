//! This library, as a process of `bench`.

use crate::shared::report::{Row, Sample};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The program.
pub(crate) struct Ours(PathBuf);

impl Ours {
    /// Builds it.
    pub(crate) fn build() -> Result<Self, String> {
        eprintln!("this library's own bench is built");
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--release", "-p", "bench", "--message-format", "json"]).current_dir(root());
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
        if !output.status.success() {
            return Err("`cargo build --release -p bench` failed".to_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let built = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let program = built
            .filter(|built| built["target"]["name"] == "bench")
            .find_map(|built| Some(PathBuf::from(built["executable"].as_str()?)));
        program.map(Self).ok_or_else(|| "cargo did not say where it put `bench`".to_owned())
    }

    /// One run of a case on a store: what its last row says.
    pub(crate) fn measured(&self, case: &str, store: &str, how: &[String], seconds: f64) -> Result<Sample, String> {
        let mut command = Command::new(&self.0);
        command.args([case, "--store", store, "--runs", "1", "--json", "--seconds", &seconds.to_string()]).args(how);
        let output = command.stderr(Stdio::piped()).output().map_err(|error| format!("`bench`: {error}"))?;
        let last = String::from_utf8_lossy(&output.stdout).lines().last().map(str::to_owned);
        if !output.status.success() {
            return Err(format!("`bench {case}`: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let row: Row = last
            .and_then(|line| serde_json::from_str(&line).ok())
            .ok_or_else(|| format!("`bench {case}` printed no row"))?;
        Ok(Sample {
            per_s: row.sagas_per_s,
            p50: row.p50_ms,
            p99: row.p99_ms,
            rss: row.rss_mib,
            bytes: row.bytes_per_saga,
            cpu: row.cpu_us_per_saga,
            ..Sample::default()
        })
    }
}

/// The folder of the library's workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}
