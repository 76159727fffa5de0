//! Which files are opened, and which are not.

use super::support::{Folder, another, append, refused_with, row, started};
use saga_runtime::store::{Filter, Store, StoreError, Write, sqlite::Sqlite};
use sqlx::{Connection, query, query_scalar, raw_sql};
use std::{
    fs::{self, Permissions},
    io::Read as _,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

#[tokio::test]
async fn what_was_written_is_there_when_the_file_is_opened_again() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let request = store.request(no, "cancel", false).await.unwrap().unwrap();
    store.close().await.unwrap();
    for seq in 2..5 {
        let store = Sqlite::open(&path).await.unwrap();
        let next = store.register().await.unwrap();
        assert!(next > epoch, "epochs rise from one life of the file to the next");
        assert_eq!(store.journal(no, 1, 10).await.unwrap(), (1..seq).map(row).collect::<Vec<_>>());
        assert_eq!(store.inbox(no).await.unwrap(), [(request, "cancel".into())]);
        store.commit(next, &[Write::Append(append(no, seq))]).await.unwrap();
        // Dropped without being closed: the next open waits for its last connection.
    }
}

#[tokio::test]
async fn rule_30_a_second_runtime_in_one_process_is_refused_by_whatever_path() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    symlink(&path, folder.file("link.db")).unwrap();
    let epoch = store.register().await.unwrap();
    let locks = locks_of_this_process(&path);
    assert!(!locks.is_empty(), "SQLite holds locks on an open file");
    let detour = folder.file("x/../orders.db");
    fs::create_dir(folder.file("x")).unwrap();
    for second in [&path, &folder.file("link.db"), &detour] {
        refused_with(second, &[".db", "this process"]).await;
        assert_eq!(locks_of_this_process(&path), locks, "a refused open dropped SQLite's locks");
    }
    started(&store, epoch, "a").await;
    store.close().await.unwrap();
    assert!(store.find("checkout", "a").await.is_err(), "a closed store works on");
    Sqlite::open(folder.file("link.db")).await.unwrap();
}

#[tokio::test]
async fn an_open_can_wait_for_another_one_in_this_process() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let waiting = tokio::spawn(Sqlite::builder(&path).wait(Duration::from_mins(1)).open());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    store.close().await.unwrap();
    waiting.await.unwrap().unwrap();
    Sqlite::builder(&path).wait(Duration::MAX).open().await.unwrap();
}

#[tokio::test]
async fn rule_30_a_file_with_a_second_hard_link_is_refused() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    Sqlite::open(&path).await.unwrap().close().await.unwrap();
    fs::hard_link(&path, folder.file("other.db")).unwrap();
    refused_with(&path, &["orders.db", "hard link"]).await;
    refused_with(folder.file("other.db"), &["other.db", "hard link"]).await;
    fs::remove_file(folder.file("other.db")).unwrap();
    Sqlite::open(&path).await.unwrap();
}

#[tokio::test]
async fn rule_30_a_copy_is_refused_until_it_is_adopted() {
    let folder = Folder::new();
    let (path, copy) = (folder.file("orders.db"), folder.file("copy.db"));
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    store.close().await.unwrap();
    fs::copy(&path, &copy).unwrap();
    refused_with(&copy, &["copy.db", "is a copy", "adopt()"]).await;
    let adopted = Sqlite::builder(&copy).adopt().open().await.unwrap();
    assert_eq!(adopted.journal(no, 1, 10).await.unwrap(), [row(1)]);
    adopted.close().await.unwrap();
    Sqlite::open(&copy).await.expect("adopted once is adopted for good");
    let renamed = folder.file("renamed.db");
    fs::rename(&path, &renamed).unwrap();
    Sqlite::open(&renamed).await.expect("a renamed file is the same file");
}

#[tokio::test]
async fn rule_30_readers_are_always_allowed() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    started(&store, epoch, "a").await;
    let mut reader = another(&path).await;
    let mut reading = reader.begin().await.unwrap();
    let count = || query_scalar::<_, i64>("SELECT count(*) FROM instance");
    assert_eq!(count().fetch_one(&mut *reading).await.unwrap(), 1);
    started(&store, epoch, "b").await;
    assert_eq!(count().fetch_one(&mut *reading).await.unwrap(), 1, "a reader sees one moment");
    store.close().await.unwrap();
    let store = Sqlite::open(&path).await.expect("a reader stops nobody from opening the file");
    let epoch = store.register().await.unwrap();
    started(&store, epoch, "c").await;
    drop(reading);
    assert_eq!(count().fetch_one(&mut reader).await.unwrap(), 3);
    reader.close().await.unwrap();
}

#[tokio::test]
async fn a_person_can_read_the_tables_and_not_change_the_journal() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    started(&store, epoch, "order-42").await;
    let mut person = another(&path).await;
    let sql =
        "SELECT status || ' ' || (event ->> 'row') FROM instance JOIN journal ON instance = no WHERE id = 'order-42'";
    assert_eq!(query_scalar::<_, String>(sql).fetch_one(&mut person).await.unwrap(), "ready 1");
    let error = query("UPDATE journal SET event = '{}'").execute(&mut person).await.unwrap_err();
    assert!(error.to_string().contains("a journal is only ever appended to"), "{error}");
}

#[tokio::test]
async fn paths_that_cannot_be_a_store_are_named() {
    let folder = Folder::new();
    refused_with("", &["empty"]).await;
    refused_with(":memory:", &["Memory"]).await;
    refused_with("sqlite::memory:", &["Memory"]).await;
    refused_with("sqlite:orders.db", &["plain path"]).await;
    refused_with("file:orders.db", &["plain path"]).await;
    refused_with("orders\0.db", &["NUL"]).await;
    refused_with(folder.file("missing/orders.db"), &["missing/orders.db", "the folder", "does not exist"]).await;
    refused_with(folder.file("."), &["is a folder"]).await;
    assert!(!folder.file("missing").exists());
    refused_with("/dev/null", &["no regular file"]).await;
    fs::write(folder.file("file"), "").unwrap();
    refused_with(folder.file("file/orders.db"), &["file/orders.db"]).await;
}

#[tokio::test]
async fn files_that_are_no_store_are_named_and_left_alone() {
    let folder = Folder::new();
    let text = folder.file("notes.txt");
    fs::write(&text, "not a database, but long enough to be taken for one. ".repeat(100)).unwrap();
    unchanged(&text, &["notes.txt", "no SQLite database"]).await;

    let foreign = folder.file("foreign.db");
    let mut other = another(&foreign).await;
    raw_sql("CREATE TABLE customer (id INTEGER); INSERT INTO customer VALUES (1)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    unchanged(&foreign, &["foreign.db", "something else"]).await;

    let newer = folder.file("newer.db");
    Sqlite::open(&newer).await.unwrap().close().await.unwrap();
    let mut later = another(&newer).await;
    raw_sql("PRAGMA user_version = 7000").execute(&mut later).await.unwrap();
    later.close().await.unwrap();
    unchanged(&newer, &["newer.db", "later release", "7000"]).await;

    let guarded = folder.file("guarded.db");
    Sqlite::open(&guarded).await.unwrap().close().await.unwrap();
    fs::set_permissions(&guarded, Permissions::from_mode(0o444)).unwrap();
    unchanged(&guarded, &["guarded.db", "may not be written"]).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_in_a_file_that_nobody_would_find_again() {
    let folder = Folder::new();
    let (path, away) = (folder.file("orders.db"), folder.file("away.db"));
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    let no = started(&store, epoch, "a").await;
    let moved = [Write::Append(append(no, 2))];
    fs::rename(&path, &away).unwrap();
    for replaced in [false, true] {
        if replaced {
            fs::write(&path, "").unwrap();
        }
        let error = store.commit(epoch, &moved).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unusable(reason) if reason.contains("was moved")), "{error:?}");
    }
    fs::rename(&away, &path).unwrap();
    store.commit(epoch, &moved).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_unusable_and_not_away() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = Sqlite::open(&path).await.unwrap();
    let epoch = store.register().await.unwrap();
    for id in 0..200 {
        started(&store, epoch, &id.to_string()).await;
    }
    store.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let error = match Sqlite::open(&path).await {
        Err(error) => error,
        Ok(store) => store.list(&Filter::default(), None, 1000).await.unwrap_err(),
    };
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
}

/// Opens in vain, and finds every byte as it was.
async fn unchanged(path: &Path, words: &[&str]) {
    let before = (fs::read(path).unwrap(), fs::metadata(path).unwrap().mtime_nsec());
    refused_with(path, words).await;
    let after = (fs::read(path).unwrap(), fs::metadata(path).unwrap().mtime_nsec());
    assert!(before == after, "{} was written to, although it was refused", path.display());
}

/// The record locks that the kernel lists for this process and this file.
fn locks_of_this_process(path: &Path) -> Vec<String> {
    let (process, inode) = (std::process::id().to_string(), format!(":{}", fs::metadata(path).unwrap().ino()));
    // At once: read piece by piece, the list leaves locks out while others of it come and go.
    let mut locks = vec![0; 1 << 16];
    let length = fs::File::open("/proc/locks").and_then(|mut file| file.read(&mut locks)).unwrap_or_default();
    let locks = String::from_utf8_lossy(&locks[..length]);
    let ours = locks.lines().map(str::split_whitespace).filter_map(|words| {
        let words: Vec<_> = words.skip(1).collect();
        let ours = words.first() == Some(&"POSIX") && words.get(3) == Some(&&*process);
        (ours && words.get(4).is_some_and(|file| file.ends_with(&inode))).then(|| words.join(" "))
    });
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    ours
}
