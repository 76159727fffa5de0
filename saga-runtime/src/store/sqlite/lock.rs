//! One runtime for one file.
//!
//! Within a process a table of the files that are open, keyed by (device, inode) and asked by `stat` before anything is
//! opened: to open a second descriptor of a database file and close it again would drop the record locks that SQLite holds
//! on it. Across processes a lock of the operating system on a descriptor that closes after the last connection.

use super::error::{failed, unusable};
use crate::store::StoreError;
use std::{
    collections::HashMap,
    fmt,
    fs::{self, File, Metadata, TryLockError},
    io,
    os::{fd::IntoRawFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often a lock that is waited for is tried.
const POLL: Duration = Duration::from_millis(20);
/// How long a store of this process that was let go of is waited for, until its last connection is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The files that stores of this process have open; `true` for those that were let go of and are still closing.
static OPEN: Mutex<Option<HashMap<Identity, bool>>> = Mutex::new(None);

/// What a file is, wherever its path may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.inode)
    }
}

/// The right to use a file, held as long as any connection to it may be open.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    reserved: Reserved,
    /// Closed before the reservation ends.
    file: Option<File>,
}

/// A place in the process-wide table.
#[derive(Debug)]
struct Reserved(Identity);

impl Lock {
    /// Takes the file, and creates it, empty, if there is none. Waits until `deadline` for whoever has it.
    pub(super) async fn acquire(path: &Path, deadline: Instant) -> Result<Arc<Self>, StoreError> {
        let started = Instant::now();
        let lock = loop {
            let patience = match reserve(path)? {
                Attempt::Reserved(lock) => break lock,
                Attempt::Taken { closing: true } => deadline.max(started + CLOSING),
                Attempt::Taken { closing: false } => deadline,
            };
            if patience <= Instant::now() {
                return Err(unusable(path, "is open in this process already: one file serves one runtime"));
            }
            sleep(POLL).await;
        };
        lock.lock_for_this_process(deadline).await?;
        // Whoever had it may have moved it, or given it a second name.
        lock.still_there()?;
        fs::metadata(&lock.path).map_or(Ok(()), |metadata| only_name(&lock.path, &metadata))?;
        Ok(Arc::new(lock))
    }

    async fn lock_for_this_process(&self, deadline: Instant) -> Result<(), StoreError> {
        let Some(file) = &self.file else { return Ok(()) };
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(POLL).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(unusable(&self.path, "is in use by another process: one file serves one runtime"));
                }
                Err(TryLockError::Error(error)) => return Err(failed(&self.path, "cannot be locked", &error)),
            }
        }
    }

    /// Whether the path still leads to the file, found without opening anything.
    pub(super) fn still_there(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if Identity::of(&metadata) == self.identity() => Ok(()),
            // A volume that does not answer says nothing of the file.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let reason = format!("{}: it cannot be looked at: {error}", self.path.display());
                Err(StoreError::Unavailable(reason.into()))
            }
            _ => Err(unusable(&self.path, "was moved, removed or replaced while it was open")),
        }
    }

    /// The file, with every symbolic link followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn identity(&self) -> Identity {
        self.reserved.0
    }

    /// Says that the store was let go of, and its connections are about to close.
    pub(super) fn closing(&self) {
        if let Some(closing) = table().get_or_insert_default().get_mut(&self.identity()) {
            *closing = true;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Under the table's lock, so that nobody opens the file between the close and the end of the reservation.
        let mut table = table();
        drop(self.file.take());
        table.get_or_insert_default().remove(&self.identity());
    }
}

enum Attempt {
    Reserved(Lock),
    Taken { closing: bool },
}

fn table() -> MutexGuard<'static, Option<HashMap<Identity, bool>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at the path, and opens it only if no store of this process has the file.
fn reserve(path: &Path) -> Result<Attempt, StoreError> {
    let mut table = table();
    let open = table.get_or_insert_default();
    match fs::metadata(path) {
        Ok(metadata) => {
            if let Some(closing) = open.get(&Identity::of(&metadata)) {
                return Ok(Attempt::Taken { closing: *closing });
            }
            may_be_opened(path, &metadata)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => has_a_folder(path)?,
        Err(error) => return Err(failed(path, "cannot be opened", &error)),
    }
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| failed(path, "cannot be opened for writing", &error))?;
    let metadata = file.metadata().map_err(|error| failed(path, "cannot be read", &error))?;
    let identity = Identity::of(&metadata);
    if let Some(closing) = open.get(&identity) {
        // Somebody moved the file here since it was looked at. Closing this descriptor would harm the store that has it.
        let _ = file.into_raw_fd();
        return Ok(Attempt::Taken { closing: *closing });
    }
    let path = path.canonicalize().map_err(|error| failed(path, "cannot be resolved", &error))?;
    open.insert(identity, false);
    Ok(Attempt::Reserved(Lock { path, reserved: Reserved(identity), file: Some(file) }))
}

fn may_be_opened(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    if metadata.is_dir() {
        return Err(unusable(path, "is a folder: name a file in it"));
    }
    if !metadata.is_file() {
        return Err(unusable(path, "is no regular file"));
    }
    if metadata.permissions().readonly() {
        return Err(unusable(path, "may not be written to"));
    }
    only_name(path, metadata)
}

fn only_name(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    if metadata.nlink() > 1 {
        let what = "has a second name (a hard link), whose write-ahead log would be another: remove one of the names";
        return Err(unusable(path, what));
    }
    Ok(())
}

fn has_a_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(());
    }
    Err(unusable(path, format_args!("cannot be created: the folder {} does not exist", folder.display())))
}
