//! A throw-away server: it listens on a socket in a temporary folder, and goes with the process that started it.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Whom the server knows; it asks nobody for a password, and only this folder's owner can reach its socket.
pub const USER: &str = "tester";

const INSTALL: &str = "\
Postgres is needed to test on it, and `initdb` and `postgres` are neither on PATH nor in /usr/lib/postgresql. Type:
    apt-get install postgresql           (Debian, Ubuntu)
    dnf install postgresql-server        (Fedora)
    apk add postgresql                   (Alpine)
    brew install postgresql              (macOS)";

/// Waits until its standard input ends, which is when the process that started it is gone, however it went; then stops the
/// server and removes the folder.
const JANITOR: &str = "\
read -r _
read -r pid < \"$1/data/postmaster.pid\" && kill -QUIT \"$pid\"
while kill -0 \"$pid\" 2>/dev/null; do sleep 0.1; done
rm -rf \"$1\"";

/// The connection string of the server's database `postgres`, as its superuser. The first call starts the server.
///
/// # Panics
/// As [`folder`].
pub fn url() -> String {
    address(folder())
}

/// The same of another server, whose commits are durable and whose settings are those of Postgres: for measuring.
///
/// # Panics
/// As [`folder`].
pub fn durable_url() -> String {
    static FOLDER: OnceLock<String> = OnceLock::new();
    address(FOLDER.get_or_init(|| start("on")))
}

fn address(folder: &str) -> String {
    format!("postgres://{USER}@localhost/postgres?host={folder}")
}

/// The folder with the server's socket. The first call starts the server.
///
/// # Panics
/// There is no Postgres on this machine, or it does not start.
pub fn folder() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    // What a test leaves behind is thrown away, so nothing has to survive a power cut.
    FOLDER.get_or_init(|| start("off"))
}

fn start(fsync: &'static str) -> String {
    let server = Server::new(fsync);
    let folder = server.folder.clone();
    // Nobody waits for it.
    std::mem::forget(server);
    folder.into_os_string().into_string().unwrap()
}

/// A server of its own, which can be ended and started again. It goes with the process, as the others do.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    owner: Owner,
    fsync: &'static str,
    process: Child,
}

impl Server {
    /// Starts one. Unless its commits are to be durable it may lose some if the machine ends, and none if it is ended itself.
    ///
    /// # Panics
    /// As [`folder`].
    pub fn start(durable: bool) -> Self {
        Self::new(if durable { "on" } else { "off" })
    }

    /// The connection string of its database `postgres`, as its superuser.
    ///
    /// # Panics
    /// Its folder has no name that can be written.
    pub fn url(&self) -> String {
        address(self.folder.to_str().unwrap())
    }

    /// Ends it in the middle of whatever it does, as `pg_ctl stop -m immediate`, and waits until it has.
    ///
    /// # Panics
    /// It does not end.
    pub fn end_at_once(&mut self) {
        let process = self.process.id().to_string();
        let killed = Command::new("sh").args(["-c", "kill -QUIT \"$0\"", &process]).status().unwrap();
        assert!(killed.success(), "there is no server to be ended");
        self.process.wait().unwrap();
    }

    /// Starts it again, on what is there, and waits until it lets somebody in.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        self.process = launch(&self.folder, &self.owner, self.fsync);
    }

    fn new(fsync: &'static str) -> Self {
        let initdb = program("initdb");
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().unwrap().keep();
        let owner = owner(&folder);
        let data = folder.join("data");
        let made = owner
            .command(&initdb)
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", USER, "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let process = launch(&folder, &owner, fsync);
        let janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        // It is not waited for, and its pipe stays open for as long as this process lives.
        std::mem::forget(janitor);
        Self { folder, owner, fsync, process }
    }
}

fn launch(folder: &Path, owner: &Owner, fsync: &str) -> Child {
    let data = folder.join("data");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut server = owner
        .command(&program("postgres"))
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", &format!("fsync={fsync}"), "-c", "max_connections=200"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        // Ctrl-C is for the tests; the server ends when they have.
        .process_group(0)
        .spawn()
        .unwrap();
    // It listens a moment before it lets anybody in. The file may be that of the one before.
    let own = format!("{}\n", server.id());
    let ready = || {
        std::fs::read_to_string(data.join("postmaster.pid"))
            .is_ok_and(|pid| pid.starts_with(&own) && pid.contains("\nready"))
    };
    while !ready() {
        if let Some(status) = server.try_wait().unwrap() {
            panic!("the server ended with {status}: {}", std::fs::read_to_string(folder.join("log")).unwrap());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server
}

/// A program on PATH, or where Debian puts those of Postgres.
///
/// # Panics
/// It is nowhere.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(|| panic!("{INSTALL}"))
}

/// Whom the server runs as.
#[derive(Debug)]
struct Owner(Option<(u32, u32)>);

/// Postgres refuses to run as root. Then it runs as the user that its package made, or as nobody, and the folder is that
/// user's.
fn owner(folder: &Path) -> Owner {
    if folder.metadata().unwrap().uid() != 0 {
        return Owner(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = ["postgres", "nobody"].iter().find_map(|wanted| {
        let fields: Vec<&str> =
            users.lines().map(|line| line.split(':').collect()).find(|fields: &Vec<&str>| fields[0] == *wanted)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    });
    let (user, group) = ids.expect("Postgres refuses to run as root, and there is no user `postgres` or `nobody`");
    chown(folder, Some(user), Some(group)).unwrap();
    Owner(Some((user, group)))
}

impl Owner {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}
