//! A participant that keeps the contract of the key, in one file that survives a kill: a line for each thing that happened.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
    sync::Mutex,
};

/// What participants were asked for and did, in order, over all lives of the process.
#[derive(Debug)]
pub struct Ledger(Mutex<File>);

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An attempt arrived.
    Asked {
        /// What was asked for (a step's or a compensation's name).
        action: String,
        /// The idempotency key.
        key: String,
        /// In a compensation: the key of the call that it undoes.
        undoes: Option<String>,
        /// The arguments, as JSON.
        arguments: String,
    },
    /// It took effect. At most one for each key.
    Done {
        /// What was asked for.
        action: String,
        /// The idempotency key.
        key: String,
        /// What it was about: the line, the order.
        about: String,
        /// In a compensation: the key of the call that it undoes.
        undoes: Option<String>,
    },
}

impl Ledger {
    /// Opens the ledger, or makes it.
    ///
    /// # Panics
    /// The file cannot be opened: the test cannot go on.
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).read(true).open(path).expect("the ledger opens");
        Self(Mutex::new(file))
    }

    /// Everything that happened so far.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn entries(&self) -> Vec<Entry> {
        Self::read(&mut self.0.lock().expect("nobody panics with the ledger in hand"))
    }

    fn read(file: &mut File) -> Vec<Entry> {
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("the ledger can be read");
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
    }

    fn write(file: &mut File, entry: &Entry) {
        // One write call for one line: a kill leaves it whole or not at all.
        let line = serde_json::to_string(entry).expect("an entry is JSON") + "\n";
        file.write_all(line.as_bytes()).expect("the ledger can be written");
    }

    /// An attempt arrives.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn ask(&self, action: &str, key: &str, undoes: Option<&str>, arguments: &impl serde::Serialize) {
        let entry = Entry::Asked {
            action: action.to_owned(),
            key: key.to_owned(),
            undoes: undoes.map(str::to_owned),
            arguments: serde_json::to_string(arguments).expect("arguments are JSON"),
        };
        Self::write(&mut self.0.lock().expect("nobody panics with the ledger in hand"), &entry);
    }

    /// It takes effect, unless its key already did, or an undo of it came first.
    ///
    /// # Panics
    /// The file cannot be read or written.
    pub fn act(&self, action: &str, key: &str, undoes: Option<&str>, about: &str) {
        let mut file = self.0.lock().expect("nobody panics with the ledger in hand");
        let known = Self::read(&mut file).into_iter().any(|entry| match entry {
            Entry::Done { key: done, undoes, .. } => done == key || undoes.as_deref() == Some(key),
            Entry::Asked { .. } => false,
        });
        if !known {
            let (action, key, about) = (action.to_owned(), key.to_owned(), about.to_owned());
            Self::write(&mut file, &Entry::Done { action, key, about, undoes: undoes.map(str::to_owned) });
        }
    }
}
