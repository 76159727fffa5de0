//! Names that lead nowhere, found when the runtime starts.

use crate::definition::Definition;
use std::fmt::Write as _;

/// The first step or compensation that names a policy which is not among these, as a message.
pub(crate) fn undefined(definition: &Definition, known: &[&str]) -> Option<String> {
    let named = definition.steps.iter().flat_map(|step| {
        let undo = step.compensation.as_ref().map(|undo| ("compensation", undo.name, undo.policy_name));
        [Some(("step", step.name, step.policy_name)), undo].into_iter().flatten()
    });
    for (what, name, policy) in named {
        if let Some(policy) = policy.filter(|policy| !known.contains(policy)) {
            let saga = definition.name;
            return Some(format!(
                "{what} `{name}` of saga `{saga}` names policy `{policy}`, {}",
                unknown(policy, known)
            ));
        }
    }
    None
}

/// What is said of a name that no policy has, and what was probably meant.
pub(crate) fn unknown(name: &str, known: &[&str]) -> String {
    let mut text = String::from("which this runtime does not define: ");
    let limit = (name.chars().count() / 3).max(1);
    let close = known.iter().map(|known| (distance(name, known), *known)).filter(|(far, _)| *far <= limit).min();
    match (close, known) {
        (Some((_, close)), _) => {
            let _ = write!(text, "did you mean `{close}`?");
        }
        (None, []) => {
            let _ = write!(text, "it defines none; add `.policy(\"{name}\", NamedPolicy::new())` to its builder");
        }
        (None, known) => {
            let list: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            let _ = write!(text, "it defines {}", list.join(", "));
        }
    }
    text
}

/// How many letters have to be added, removed or replaced (Levenshtein 1965).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = before + usize::from(from != *to);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn a_name_that_no_policy_has_is_answered_with_what_was_probably_meant_or_with_all() {
        let known = ["inventory", "payments"];
        assert!(unknown("paymenst", &known).ends_with("did you mean `payments`?"));
        assert!(unknown("mail", &known).ends_with("it defines `inventory`, `payments`"));
        assert!(unknown("mail", &[]).contains(".policy(\"mail\""));
    }
}
