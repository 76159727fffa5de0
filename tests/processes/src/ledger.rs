//! A participant that keeps the contract of the key, in one file that survives a kill: a line for each thing that happened.

use crate::{Points, table::effect};
use saga_runtime::{StepContext, verify::Effect};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A mistake that is planted, so that the trial is seen to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planted {
    /// A participant does again what it did under the same key before.
    IgnoresKeys,
    /// A participant forgets what it did for Rome.
    Forgets,
    /// A participant undoes one time more what it undid.
    UndoesAgain,
    /// A point is passed that is not in the table.
    Unlisted,
}

/// What participants were asked for and did, in order, over all lives of the process.
#[derive(Debug)]
pub struct Ledger {
    file: Mutex<File>,
    points: Arc<Points>,
    planted: Option<Planted>,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An attempt arrived.
    Asked(Asked),
    /// It took effect. At most one for each key.
    Done(Done),
}

/// An attempt that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What was asked for: a step's or a compensation's name.
    pub action: String,
    /// The idempotency key.
    pub key: String,
    /// In a compensation: the key of the call that it undoes.
    pub undoes: Option<String>,
    /// The arguments, as JSON.
    pub arguments: String,
}

/// What took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What was asked for: a step's or a compensation's name.
    pub action: String,
    /// What it was about: the line, the order.
    pub about: String,
    /// As the verifier wants it.
    pub effect: Effect,
}

/// What a participant answers: what it did, and under which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What it was about.
    pub about: String,
    /// The idempotency key.
    pub key: String,
}

impl Done {
    /// What was done for this attempt, of this step or of its compensation.
    pub fn new(cx: &StepContext, step: &str, action: &str, about: &str, changed: bool) -> Self {
        let effect = Effect {
            saga: cx.saga().into(),
            id: cx.instance().into(),
            step: step.into(),
            key: cx.key().into(),
            undoes: cx.undoes().map(Into::into),
            changed,
        };
        Self { action: action.into(), about: about.into(), effect }
    }
}

impl Ledger {
    /// Opens the ledger, or makes it.
    ///
    /// # Panics
    /// The file cannot be opened: the test cannot go on.
    pub fn open(path: &Path, points: Arc<Points>, planted: Option<Planted>) -> Self {
        let file = OpenOptions::new().create(true).append(true).read(true).open(path).expect("the ledger opens");
        Self { file: Mutex::new(file), points, planted }
    }

    /// Everything that happened so far.
    ///
    /// # Panics
    /// The file cannot be read.
    pub fn entries(&self) -> Vec<Entry> {
        Self::read(&mut self.file())
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// An attempt arrives; how many of this key there were with it.
    ///
    /// # Panics
    /// The file cannot be read or written.
    pub fn ask(&self, cx: &StepContext, action: &str, arguments: &impl Serialize) -> usize {
        let asked = Asked {
            action: action.to_owned(),
            key: cx.key().to_owned(),
            undoes: cx.undoes().map(str::to_owned),
            arguments: serde_json::to_string(arguments).expect("arguments are JSON"),
        };
        let mut file = self.file();
        Self::write(&mut file, &Entry::Asked(asked));
        let entries = Self::read(&mut file).into_iter();
        entries.filter(|entry| matches!(entry, Entry::Asked(asked) if asked.key == cx.key())).count()
    }

    /// It takes effect, unless its key already did, or an undo of it came first.
    ///
    /// # Panics
    /// The file cannot be read or written.
    pub fn act(&self, cx: &StepContext, step: &str, action: &str, about: &str) -> Receipt {
        let what = if cx.undoes().is_some() { effect::UNDO } else { effect::STEP };
        self.points.pass_one("before effect", what);
        self.act_once(cx, step, action, about);
        self.points.pass_one("after effect", what);
        Receipt { about: about.to_owned(), key: cx.key().to_owned() }
    }

    fn act_once(&self, cx: &StepContext, step: &str, action: &str, about: &str) {
        let mut file = self.file();
        let done: Vec<Effect> = Self::read(&mut file)
            .into_iter()
            .filter_map(|entry| if let Entry::Done(done) = entry { Some(done.effect) } else { None })
            .collect();
        let ignores = match self.planted {
            Some(Planted::IgnoresKeys) => cx.undoes().is_none(),
            Some(Planted::UndoesAgain) => cx.undoes().is_some(),
            _ => false,
        };
        let known = done.iter().any(|done| *done.key == *cx.key() || done.undoes.as_deref() == Some(cx.key()));
        let forgets = self.planted == Some(Planted::Forgets) && about == "Rome";
        if (known && !ignores) || forgets {
            return;
        }
        let changed = cx.undoes().is_none_or(|undoes| done.iter().any(|done| *done.key == *undoes));
        Self::write(&mut file, &Entry::Done(Done::new(cx, step, action, about, changed)));
    }
}
