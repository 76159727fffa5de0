//! What the tests are written with.

use saga_runtime::store::{
    Append, Epoch, InstanceNo, Labels, Row, Start, Status, Store, StoreError, Touch, Write, Written, sqlite::Sqlite,
};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A new folder, gone at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("saga-sqlite-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn row(seq: u64) -> Row {
    Row { seq, at: 0, event: format!(r#"{{"row":{seq}}}"#).into() }
}

pub(crate) fn start(id: &str) -> Start {
    Start {
        saga: "checkout".into(),
        id: id.into(),
        birth: format!("birth of {id}").into(),
        version: 1,
        input_hash: [0; 32],
        owned: true,
        at: 0,
        wake_at: None,
        parent: None,
        labels: Labels::new(),
        rows: vec![row(1)],
    }
}

pub(crate) fn append(instance: InstanceNo, seq: u64) -> Append {
    Append::new(instance, vec![row(seq)])
}

pub(crate) fn ended(instance: InstanceNo, seq: u64) -> Append {
    let touch = Touch::new(Status::Completed, 0);
    Append { touch: Some(touch), ..append(instance, seq) }
}

pub(crate) async fn started(store: &impl Store, epoch: Epoch, id: &str) -> InstanceNo {
    match store.commit(epoch, &[Write::Start(start(id))]).await.unwrap().remove(0) {
        Written::Started(no) => no,
        other => panic!("a start of a new identity answered {other:?}"),
    }
}

/// What an open that must fail says.
pub(crate) async fn refused(path: impl AsRef<Path>) -> String {
    match Sqlite::open(path).await {
        Ok(store) => panic!("{} was opened", store.path().display()),
        Err(StoreError::Unusable(reason)) => reason.into(),
        Err(other) => panic!("a file that cannot be used was called {other:?}"),
    }
}

/// Asserts that an open fails, and says each of these.
pub(crate) async fn refused_with(path: impl AsRef<Path>, words: &[&str]) {
    let path = path.as_ref();
    let reason = refused(path).await;
    for word in words {
        assert!(reason.contains(word), "opening {} says nothing of `{word}`: {reason}", path.display());
    }
}

/// A connection of another program to the file.
pub(crate) async fn another(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}
