//! One history: lives that end at a point each, one that goes to the end, and what must hold of all of them.

use crate::{
    Asked, Entry, Kill, Moment, Planted, StoreKind,
    cases::{Case, Plan},
    life::{Found, Life, StoreAt, Survived},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// What is to happen.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) store: StoreKind,
    pub(super) case: &'static Case,
    /// Where its lives end, but for the last.
    pub(super) kills: Vec<Kill>,
}

/// What happened.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) history: History,
    /// The point at which each life ended.
    pub(super) deaths: Vec<Moment>,
    /// The life that went to the end.
    pub(super) survived: Option<Survived>,
    /// What did not hold.
    pub(super) violations: Vec<String>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, case, kills } = self;
        write!(f, "{}, on {store}", case.name)?;
        for (place, Kill { point, nth }) in kills.iter().enumerate() {
            f.write_str(if place == 0 { ", killed at " } else { ", then at " })?;
            write!(f, "`{point}` ({nth})")?;
        }
        Ok(())
    }
}

impl History {
    /// What to type to have it happen again.
    pub(super) fn command(&self) -> String {
        let Self { store, case, kills } = self;
        let kills: Vec<String> =
            kills.iter().map(|Kill { point, nth }| format!(" --kill \"{point} ({nth})\"")).collect();
        let kills = kills.concat();
        format!("crash-points --store {store} --case \"{}\"{kills}", case.name)
    }
}

/// Where histories happen.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) program: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) planted: Option<Planted>,
}

impl Place {
    /// Lets it happen, in a folder and a schema of this number, and looks at what came of it; held against how it goes undisturbed.
    pub(super) fn run(&self, history: History, number: usize, undisturbed: Option<&Value>) -> Happened {
        let folder = self.folder.join(number.to_string());
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let store = match history.store {
            StoreKind::Sqlite => StoreAt::Sqlite,
            StoreKind::Postgres => {
                StoreAt::Postgres { url: saga_test_postgres::url(), schema: format!("history_{number}") }
            }
        };
        let mut happened = Happened { history, deaths: Vec::new(), survived: None, violations: Vec::new() };
        self.live(&folder, &store, &mut happened);
        if let Some(survived) = &happened.survived {
            let mut found = judge(happened.history.case, survived, undisturbed);
            for number in 1..=happened.deaths.len() + 1 {
                // One that ended before it could look has found nothing.
                let found_here: Found = read(&folder.join(format!("found-{number}.json"))).unwrap_or_default();
                found.extend(judge_life(happened.history.case, number, &found_here, &survived.ledger));
            }
            happened.violations.extend(found);
        }
        if happened.violations.is_empty() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        happened
    }

    fn live(&self, folder: &Path, store: &StoreAt, happened: &mut Happened) {
        let kills = happened.history.kills.clone();
        for (number, kill) in kills.into_iter().map(Some).chain([None]).enumerate() {
            let life = Life {
                folder: folder.to_owned(),
                store: store.clone(),
                case: happened.history.case.name.to_owned(),
                number: number + 1,
                kill,
                planted: self.planted,
            };
            let told = serde_json::to_string(&life).expect("what a life is told is JSON");
            let output = Command::new(&self.program).args(["life", &told]).output().expect("a process can be started");
            if output.status.success() {
                match serde_json::from_slice(&output.stdout) {
                    Ok(survived) => happened.survived = Some(survived),
                    Err(error) => happened.violations.push(format!("what it says last is unreadable: {error}")),
                }
                return;
            }
            match (output.status.signal(), read::<Moment>(&life.death())) {
                (Some(9), Some(names)) => happened.deaths.push(names),
                (signal, _) => {
                    let words = String::from_utf8_lossy(&output.stderr);
                    let how = signal.map_or_else(|| "fails".to_owned(), |signal| format!("ends by signal {signal}"));
                    happened.violations.push(format!("life {} {how}: {words}", life.number));
                    return;
                }
            }
        }
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// What must hold at the end.
fn judge(case: &Case, survived: &Survived, undisturbed: Option<&Value>) -> Vec<String> {
    let mut wrong = survived.violations.clone();
    let mut holds = |does: bool, what: String| {
        if !does {
            wrong.push(what);
        }
    };
    let Survived { end, with, instances, open, ledger, .. } = survived;
    let (stands, effects) = (stands(ledger), effects(ledger));
    let way = case.ends.iter().position(|way| way == end);
    holds(way.is_some(), format!("it is {end} and not {:?}", case.ends));
    if let Some(way) = way {
        holds(stands == case.stands[way], format!("{stands:?} stand at the end and not {:?}", case.stands[way]));
    }
    let ordered = case.effects.is_empty() || effects == case.effects;
    holds(ordered, format!("took effect in this order: {effects:?}, and not {:?}", case.effects));
    let same = case.ends.len() > 1 || undisturbed.is_none_or(|undisturbed| undisturbed == with);
    holds(same, format!("it ends with {with}, and undisturbed with {undisturbed:?}"));
    holds(*instances == case.instances, format!("there are {instances} instances and not {}", case.instances));
    holds(*open == 0, format!("{open} instances have not ended"));
    let mut once = BTreeSet::new();
    for done in done(ledger) {
        holds(once.insert(&done.effect.key), format!("`{}` took effect twice under one key", done.action));
    }
    let mut calls = BTreeMap::new();
    for Asked { action, key, arguments, .. } in asked(ledger) {
        let first = calls.entry(key).or_insert((action, arguments));
        holds(*first == (action, arguments), format!("`{action}` was asked for with {} and {arguments}", first.1));
    }
    wrong
}

/// What must hold of a life, given what it found when it began.
fn judge_life(case: &Case, number: usize, found: &Found, ledger: &[Entry]) -> Vec<String> {
    let mut wrong = Vec::new();
    let count = |kind: &str| found.journal.iter().filter(|event| event.get(kind).is_some()).count();
    let recorded: BTreeSet<&str> = found
        .journal
        .iter()
        .filter_map(|event| event.pointer("/answered/done"))
        .filter_map(|done| done.get("key").or_else(|| done.pointer("/receipt/key"))?.as_str())
        .collect();
    let later = &ledger[found.entries.min(ledger.len())..];
    for entry in later {
        let (action, key) = action_and_key(entry);
        if recorded.contains(key) {
            wrong.push(format!("in life {number} `{action}` ran again after its record"));
        }
    }
    // A child that was undone is one row more in its parent's journal, and nobody was asked for that.
    let children = found.journal.iter().filter(|event| event.pointer("/called/calls/child").is_some()).count();
    let (all, again, undone) = (undos(ledger), undos(later), count("undone").saturating_sub(children));
    if again + undone > all {
        wrong.push(format!("in life {number}, of {all} undos {undone} were recorded, and {again} made later"));
    }
    if matches!(case.plan, Plan::Books(_)) {
        let pairs = [("answered", recorded.len(), found.entries - found.undos), ("undone", undone, found.undos)];
        for (kind, rows, entries) in pairs {
            if rows != entries {
                wrong.push(format!("before life {number} there are {rows} rows `{kind}`, and {entries} entries"));
            }
        }
    }
    wrong
}

fn action_and_key(entry: &Entry) -> (&str, &str) {
    match entry {
        Entry::Asked(asked) => (&asked.action, &asked.key),
        Entry::Done(done) => (&done.action, &done.effect.key),
    }
}

fn done(ledger: &[Entry]) -> impl Iterator<Item = &crate::Done> {
    ledger.iter().filter_map(|entry| if let Entry::Done(done) = entry { Some(done) } else { None })
}

fn asked(ledger: &[Entry]) -> impl Iterator<Item = &Asked> {
    ledger.iter().filter_map(|entry| if let Entry::Asked(asked) = entry { Some(asked) } else { None })
}

/// What took effect and was not undone, sorted.
fn stands(ledger: &[Entry]) -> Vec<&str> {
    let undone: BTreeSet<&str> = done(ledger).filter_map(|done| done.effect.undoes.as_deref()).collect();
    let forward = done(ledger).filter(|done| done.effect.undoes.is_none() && !undone.contains(&*done.effect.key));
    let mut stands: Vec<&str> = forward.map(|done| done.about.as_str()).collect();
    stands.sort_unstable();
    stands
}

/// What took effect, in order.
fn effects(ledger: &[Entry]) -> Vec<&str> {
    done(ledger).filter(|done| done.effect.changed).map(|done| done.action.as_str()).collect()
}

/// How many undos were asked for, each once.
fn undos(ledger: &[Entry]) -> usize {
    let keys = ledger.iter().filter(|entry| match entry {
        Entry::Asked(asked) => asked.undoes.is_some(),
        Entry::Done(done) => done.effect.undoes.is_some(),
    });
    keys.map(|entry| action_and_key(entry).1).collect::<BTreeSet<_>>().len()
}
