//! How many packages a user of `saga-runtime` compiles, and which of them are to blame when it is too many.

use std::collections::{BTreeMap, BTreeSet};

use crate::process::Cargo;
use crate::stage::Failure;

/// A set of features and how many packages it may bring.
pub(crate) struct Limit {
    /// The arguments of cargo that print the tree, each line with its depth and no line left out.
    pub(crate) tree: &'static str,
    /// What the set of features is called in messages.
    pub(crate) title: &'static str,
    /// How many packages there may be, the crate itself among them.
    pub(crate) most: usize,
}

/// Counts, and answers with the count as a phrase.
pub(crate) fn check(limit: &Limit) -> Result<String, Failure> {
    let call = Cargo::new(limit.tree);
    let tree = Tree::parse(&call.output()?);
    let count = tree.packages.len();
    if tree.packages.is_empty() {
        return Err(call.failure("printed no package"));
    }
    if count > limit.most {
        let why = format!("{count} packages {}, and at most {} are allowed\n{}", limit.title, limit.most, tree.blame());
        return Err(Failure { why, again: Some(call.line()) });
    }
    Ok(format!("{count} packages {} (at most {})", limit.title, limit.most))
}

/// A dependency tree, as sets of packages. A package is a name and a version, such as `syn v3.0.1`.
#[derive(Default)]
struct Tree {
    packages: BTreeSet<String>,
    /// What each direct dependency brings, itself among it.
    brought: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    /// Reads the output of `cargo tree --prefix depth --no-dedupe`; what is no such line is no package.
    fn parse(output: &str) -> Self {
        let mut tree = Self::default();
        let mut direct = None;
        for line in output.lines() {
            let Some((depth, package)) = package(line) else {
                continue;
            };
            if depth == 1 {
                direct = Some(package.clone());
            }
            if let (true, Some(direct)) = (depth > 0, &direct) {
                tree.brought.entry(direct.clone()).or_default().insert(package.clone());
            }
            tree.packages.insert(package);
        }
        tree
    }

    /// Says which direct dependency brings what no other one does, the heaviest first, and what is there twice.
    fn blame(&self) -> String {
        let mut heavy: Vec<(&String, Vec<&str>)> = Vec::new();
        for (direct, brought) in &self.brought {
            let elsewhere = |package: &String| {
                self.brought.iter().any(|(other, packages)| other != direct && packages.contains(package))
            };
            let alone = brought.iter().filter(|package| !elsewhere(package)).map(String::as_str).collect();
            heavy.push((direct, alone));
        }
        heavy.sort_by_key(|(_, alone)| std::cmp::Reverse(alone.len()));
        let mut lines = Vec::new();
        for (direct, alone) in heavy.iter().filter(|(_, alone)| !alone.is_empty()) {
            lines.push(format!("  {direct} alone brings {}: {}", alone.len(), alone.join(", ")));
        }
        for (name, versions) in self.duplicates() {
            lines.push(format!("  {name} is there {} times: {}", versions.len(), versions.join(", ")));
        }
        lines.join("\n")
    }

    fn duplicates(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, version) in self.packages.iter().filter_map(|package| package.split_once(' ')) {
            versions.entry(name).or_default().push(version);
        }
        versions.retain(|_, versions| versions.len() > 1);
        versions
    }
}

/// Reads `2syn v3.0.1 (proc-macro) (*)` as depth 2 and `syn v3.0.1`: the rest says nothing about which package it is.
fn package(line: &str) -> Option<(usize, String)> {
    // A package's name never begins with a digit.
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let depth = line[..digits].parse().ok()?;
    let mut words = line[digits..].split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    version.starts_with('v').then(|| (depth, format!("{name} {version}")))
}

#[cfg(test)]
mod tests {
    use super::{Tree, package};

    const OUTPUT: &str = "\
0saga-runtime v0.1.0 (/somewhere/saga-runtime)
1saga-macros v0.1.0 (proc-macro) (/somewhere/saga-macros)
2syn v3.0.10
3unicode-ident v1.0.27
1sqlx v0.9.0
2syn v2.0.1
3unicode-ident v1.0.27
2sqlx-core v0.9.0
1serde v1.0.229 (*)
";

    #[test]
    fn a_line_is_a_depth_a_name_and_a_version() {
        assert_eq!(package("0saga v0.1.0 (/a b/c)"), Some((0, "saga v0.1.0".to_owned())));
        assert_eq!(package("12serde_derive v1.0.229 (proc-macro) (*)"), Some((12, "serde_derive v1.0.229".to_owned())));
    }

    #[test]
    fn what_is_no_package_is_not_counted() {
        for line in ["", "[build-dependencies]", "1", "saga v0.1.0", "1serde"] {
            assert_eq!(package(line), None, "{line:?}");
        }
    }

    #[test]
    fn each_name_and_version_counts_once() {
        let tree = Tree::parse(OUTPUT);
        assert_eq!(tree.packages.len(), 8);
        assert!(tree.packages.contains("syn v2.0.1") && tree.packages.contains("syn v3.0.10"));
    }

    #[test]
    fn the_blame_goes_to_what_only_one_dependency_brings() {
        let blame = Tree::parse(OUTPUT).blame();
        let lines: Vec<&str> = blame.lines().collect();
        assert_eq!(
            lines,
            [
                "  sqlx v0.9.0 alone brings 3: sqlx v0.9.0, sqlx-core v0.9.0, syn v2.0.1",
                "  saga-macros v0.1.0 alone brings 2: saga-macros v0.1.0, syn v3.0.10",
                "  serde v1.0.229 alone brings 1: serde v1.0.229",
                "  syn is there 2 times: v2.0.1, v3.0.10",
            ]
        );
    }
}
