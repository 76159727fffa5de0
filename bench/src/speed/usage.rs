//! What processes use of the machine, as Linux tells it; elsewhere nothing is told.

use std::{fs, time::Duration};

/// What the own process has used, and the database's server.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Time on the processor.
    pub(crate) cpu: Option<Duration>,
    /// The server's.
    pub(crate) server: Option<Duration>,
    /// The most memory that it ever had, in bytes.
    pub(crate) peak: Option<u64>,
    /// What it has now.
    pub(crate) rss: Option<u64>,
}

impl Usage {
    /// Up to now. A server on another machine is not told of.
    pub(crate) fn now(server: Option<Server>) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kib = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Self {
            cpu: Process::read("self").map(|process| process.cpu),
            server: server.and_then(Server::cpu),
            peak: kib("VmHWM:"),
            rss: kib("VmRSS:"),
        }
    }
}

/// One process, as it is listed.
struct Process {
    parent: u32,
    /// Its own time.
    cpu: Duration,
    /// That of its children which have ended.
    ended: Duration,
}

impl Process {
    fn read(pid: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; then come a letter and the parent.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Hundredths of a second, whatever the kernel counts in.
        let time = |at: usize| Some(Duration::from_millis(fields.get(at)?.parse::<u64>().ok()? * 10));
        Some(Self { parent: fields.get(1)?.parse().ok()?, cpu: time(11)? + time(12)?, ended: time(13)? + time(14)? })
    }
}

/// A server, by its main process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server(pub(crate) u32);

impl Server {
    /// Postgres, by one of its sessions: it has a process for each. Nothing if it runs elsewhere.
    pub(crate) fn of_session(pid: u32) -> Option<Self> {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let postgres = name.starts_with("postgres");
        Process::read(&pid.to_string()).filter(|_| postgres).map(|session| Self(session.parent))
    }

    /// Its time on the processor, with that of all its processes.
    fn cpu(self) -> Option<Duration> {
        let Self(main) = self;
        let own = Process::read(&main.to_string())?;
        let mut all = own.cpu + own.ended;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let name = entry.file_name();
            let pid = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
            let process = pid.and_then(Process::read).filter(|process| process.parent == main);
            all += process.map_or(Duration::ZERO, |process| process.cpu);
        }
        Some(all)
    }
}
