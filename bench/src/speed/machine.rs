//! On what all of this was measured.

use super::place::{Site, connect, root, said};
use serde::Serialize;
use sqlx::query_as;
use std::{
    collections::BTreeMap,
    fs,
    io::{Seek as _, Write as _},
    path::Path,
    process::Command,
    time::Instant,
};

/// The machine, the versions and the settings.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    cpu: String,
    memory_mib: Option<u64>,
    /// How long 4 KiB take to be durable.
    fsync_ms: Option<f64>,
    /// What else was running when this began: the load average of the last minute.
    load: Option<f64>,
    versions: BTreeMap<&'static str, String>,
    settings: BTreeMap<String, String>,
}

impl Machine {
    /// Looks at it.
    pub(crate) async fn look(site: &Site) -> Result<Self, String> {
        let lines = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let memory = after(&lines("/proc/meminfo"), "MemTotal");
        let kib = memory.and_then(|memory| memory.strip_suffix(" kB")?.parse::<u64>().ok());
        let mut versions = BTreeMap::from([("date", today()?), ("commit", commit())]);
        let (folder, settings) = match site {
            Site::Sqlite(folder) => {
                versions.insert("sqlite", rusqlite::version().to_owned());
                let settings = [("journal_mode", "wal"), ("synchronous", "full")];
                (folder.path().to_owned(), settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
            }
            Site::Postgres(url) => {
                let names = "fsync,synchronous_commit,full_page_writes,shared_buffers,max_wal_size,wal_sync_method,server_version";
                let sql =
                    "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (string_to_array($1, ','))";
                let rows = query_as(sql).bind(names).fetch_all(&mut connect(url).await?).await.map_err(said)?;
                let mut settings: BTreeMap<String, String> = rows.into_iter().collect();
                versions.extend(settings.remove("server_version").map(|version| ("postgres", version)));
                (std::env::temp_dir(), settings)
            }
        };
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: after(&lines("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            memory_mib: kib.map(|kib| kib / 1024),
            fsync_ms: fsync(&folder),
            load: lines("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()),
            versions,
            settings,
        })
    }

    /// As a sentence for people.
    pub(crate) fn sentence(&self) -> String {
        let list = |pairs: Vec<String>| pairs.join(", ");
        let memory = self.memory_mib.map(|mib| format!(", {} GiB", (mib + 512) / 1024)).unwrap_or_default();
        let fsync = self.fsync_ms.map(|ms| format!(", 4 KiB durable in {ms:.2} ms")).unwrap_or_default();
        let load = self.load.map(|load| format!(", load {load:.1} before")).unwrap_or_default();
        let versions = list(self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect());
        let settings = list(self.settings.iter().map(|(name, value)| format!("`{name} = {value}`")).collect());
        format!("{} cores of {}{memory}{fsync}{load}. {versions}. {settings}.", self.cores, self.cpu)
    }
}

/// The median time of a small write that is made durable, in milliseconds.
fn fsync(folder: &Path) -> Option<f64> {
    let mut file = tempfile::tempfile_in(folder).ok()?;
    let times = (0..100).map(|_| {
        let begun = Instant::now();
        file.rewind().ok()?;
        file.write_all(&[7; 4096]).ok()?;
        file.sync_data().ok()?;
        Some(begun.elapsed().as_secs_f64() * 1e3)
    });
    crate::median::median(times.collect::<Option<Vec<f64>>>()?.into_iter())
}

/// Of the sources, as far as they are under version control.
fn commit() -> String {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).current_dir(root()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    match git(&["rev-parse", "--short", "HEAD"]) {
        Some(commit) if git(&["status", "--porcelain", "-uno"]).is_some_and(|changed| changed.is_empty()) => commit,
        Some(commit) => format!("{commit} and changes"),
        None => "unknown".to_owned(),
    }
}

fn today() -> Result<String, String> {
    let calendar = rusqlite::Connection::open_in_memory();
    let today = calendar.and_then(|calendar| calendar.query_row("SELECT date('now')", [], |row| row.get(0)));
    today.map_err(|error| error.to_string())
}
