//! Which points a trial ends lives at, given those that were passed.

use crate::{Kill, Moment, cases::Case};
use std::collections::{BTreeMap, BTreeSet};

/// Where each of these moments is: at its rarest name, so manieth time.
pub(super) fn kills(moments: &[Moment]) -> Vec<Kill> {
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for name in moments.iter().flatten() {
        *all.entry(name).or_default() += 1;
    }
    let mut so_far: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kills = Vec::new();
    for names in moments {
        for name in names {
            *so_far.entry(name).or_default() += 1;
        }
        let rarest = names.iter().min_by_key(|name| (all[name.as_str()], name.as_str()));
        kills.extend(rarest.map(|name| Kill { point: name.clone(), nth: so_far[name.as_str()] }));
    }
    kills
}

/// Of the moments of a life those that the case is about.
pub(super) fn of_interest(case: &Case, moments: &[Moment]) -> Vec<usize> {
    let about = |name: &String| case.only.is_empty() || case.only.iter().any(|end| name.ends_with(end));
    (0..moments.len()).filter(|index| moments[*index].iter().any(about)).collect()
}

/// The first and the last moment of each name in the ways that one saga goes, by way: of the first way that has it, and of the last.
pub(super) fn edges(ways: &[(&'static Case, &[Moment])]) -> Vec<BTreeSet<usize>> {
    let mut first: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut last: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (way, (case, moments)) in ways.iter().enumerate() {
        for index in of_interest(case, moments) {
            for name in &moments[index] {
                first.entry(name).or_insert((way, index));
                last.insert(name, (way, index));
            }
        }
    }
    let mut edges = vec![BTreeSet::new(); ways.len()];
    for (way, index) in first.into_values().chain(last.into_values()) {
        edges[way].insert(index);
    }
    edges
}
