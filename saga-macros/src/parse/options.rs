//! What stands between an attribute's parentheses, each key and each value with its span.

use crate::errors::Errors;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Ident, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    token::Paren,
};

/// Where options stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `#[saga(..)]`
    Saga,
    /// `#[flow]`
    Flow,
    /// `#[step(..)]`
    Step,
    /// `#[compensate(..)]`
    Compensate,
    /// `#[signal]`
    Signal,
    /// `retry(..)` within a step's or a compensation's.
    Retry,
}

/// Every option there is: where it stands, and an example of it.
const KNOWN: &[(Place, &str, &str)] = &[
    (Place::Saga, "name", "name = \"checkout\""),
    (Place::Saga, "version", "version = 1"),
    (Place::Saga, "crate", "crate = saga_runtime"),
    (Place::Flow, "inner", "inner"),
    (Place::Step, "name", "name = \"reserve\""),
    (Place::Step, "read_only", "read_only"),
    (Place::Step, "pivot", "pivot"),
    (Place::Step, "retriable", "retriable"),
    (Place::Step, "transaction", "transaction"),
    (Place::Step, "policy", "policy = \"payments\""),
    (Place::Step, "timeout", "timeout = \"2s\""),
    (Place::Step, "deadline", "deadline = \"10m\""),
    (Place::Step, "key_valid", "key_valid = \"24h\""),
    (Place::Step, "retry", "retry(initial = \"50ms\", max = \"5s\", attempts = 6)"),
    (Place::Step, "attempts_then", "attempts_then = \"park\""),
    (Place::Step, "no_compensation", "no_compensation = \"why\""),
    (Place::Step, "idempotent", "idempotent = \"why\""),
    (Place::Compensate, "policy", "policy = \"payments\""),
    (Place::Compensate, "timeout", "timeout = \"2s\""),
    (Place::Compensate, "retry", "retry(initial = \"50ms\", max = \"5s\")"),
    (Place::Compensate, "within", "within = \"24h\""),
    (Place::Compensate, "idempotent", "idempotent = \"why\""),
    (Place::Retry, "initial", "initial = \"50ms\""),
    (Place::Retry, "max", "max = \"5s\""),
    (Place::Retry, "attempts", "attempts = 6"),
    (Place::Retry, "jitter", "jitter = false"),
    (Place::Saga, "deadline", "deadline = \"30d\""),
];

impl Place {
    /// How the place is called in a message.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Saga => "`#[saga]`",
            Self::Flow => "`#[flow]`",
            Self::Step => "`#[step]`",
            Self::Compensate => "`#[compensate]`",
            Self::Signal => "`#[signal]`",
            Self::Retry => "`retry(..)`",
        }
    }

    /// How it is written.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Saga => "#[saga(name = \"checkout\", version = 1)]",
            Self::Flow => "#[flow]",
            Self::Step => "#[step(timeout = \"2s\")]",
            Self::Compensate => "#[compensate(reserve)]",
            Self::Signal => "#[signal]",
            Self::Retry => "retry(initial = \"50ms\", max = \"5s\", attempts = 6)",
        }
    }

    /// The options that may stand here.
    fn known(self) -> impl Iterator<Item = &'static str> {
        KNOWN.iter().filter(move |(place, ..)| *place == self).map(|(_, key, _)| *key)
    }
}

/// How an option is written, e.g. `timeout = "2s"`.
pub(crate) fn example(place: Place, key: &str) -> &'static str {
    KNOWN.iter().find(|(at, known, _)| *at == place && *known == key).map_or("", |(.., example)| example)
}

/// The options of one attribute.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where they stand.
    pub(crate) place: Place,
    /// The attribute's name.
    pub(crate) span: Span,
    /// The step that a `#[compensate(reserve)]` names.
    pub(crate) target: Option<Ident>,
    /// The options themselves: known, each at most once.
    pub(crate) list: Vec<Opt>,
    /// Whether nothing at all is written there.
    pub(crate) empty: bool,
    /// Whether something there is no option, so that nobody knows what it should have said.
    pub(crate) unclear: bool,
}

/// One option.
#[derive(Debug)]
pub(crate) struct Opt {
    /// Its key.
    pub(crate) key: Ident,
    /// Its value.
    pub(crate) value: OptValue,
}

/// The value of an option.
#[derive(Debug)]
pub(crate) enum OptValue {
    /// `pivot`
    Flag,
    /// `timeout = "2s"`
    Is(TokenStream),
    /// `retry(..)`
    List(Options),
}

impl Options {
    /// Reads options; reports what is no option here and what is given twice, and leaves it out.
    pub(crate) fn parse(place: Place, span: Span, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options =
            Self { place, span, target: None, list: Vec::new(), empty: tokens.is_empty(), unclear: false };
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                options.one(input, errors)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = read.parse2(tokens) {
            options.unclear = true;
            errors.span(
                "unknown_option",
                error.span(),
                format_args!(
                    "this is not an option of {}\nhelp: options are separated by commas, as in `{}`",
                    place.title(),
                    place.example()
                ),
            );
        }
        options
    }

    /// An option by its key.
    pub(crate) fn get(&self, key: &str) -> Option<&Opt> {
        self.list.iter().find(|option| option.key == key)
    }

    /// Reads one option.
    fn one(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let mut value = Vec::new();
            while !input.is_empty() && !input.peek(Token![,]) {
                value.push(input.parse::<TokenTree>()?);
            }
            OptValue::Is(value.into_iter().collect())
        } else if input.peek(Paren) {
            let content;
            syn::parenthesized!(content in input);
            let tokens = content.parse::<TokenStream>()?;
            // Only `retry` has options of its own; what is within anything else is not looked at.
            let nested = if key == "retry" { tokens } else { TokenStream::new() };
            OptValue::List(Self::parse(Place::Retry, key.span(), nested, errors))
        } else {
            OptValue::Flag
        };
        let known = self.place.known().any(|known| key == known);
        if self.place == Place::Compensate && self.target.is_none() && !known && matches!(value, OptValue::Flag) {
            self.target = Some(key);
        } else if !known {
            self.unclear |= matches!(value, OptValue::Flag) || !self.bounds_attempts(&key.to_string());
            errors.span("unknown_option", key.span(), self.unknown(&key));
            if self.place == Place::Compensate && is_target(&key.to_string()) {
                // What it was meant to say is known, and nobody has to be told twice.
                self.target = self.target.take().or_else(|| named(&value));
            }
        } else if let Some(first) = self.get(&key.to_string()) {
            for span in [first.key.span(), key.span()] {
                errors.span(
                    "unknown_option",
                    span,
                    format_args!("option `{key}` is given twice\nhelp: remove one of the two"),
                );
            }
        } else {
            self.list.push(Opt { key, value });
        }
        Ok(())
    }

    /// Whether a key that does not belong here was meant for how attempts are made, and so says nothing of what the step is.
    fn bounds_attempts(&self, key: &str) -> bool {
        const CLASSES: [&str; 5] = ["no_compensation", "pivot", "read_only", "retriable", "transaction"];
        let of_retry = || Place::Retry.known().any(|known| known == key);
        let close = || similar(key, self.place.known()).is_some_and(|close| !CLASSES.contains(&close));
        ATTEMPTS.contains(&key) || WAITS.contains(&key) || of_retry() || close()
    }

    /// What to say of a key that does not belong here.
    fn unknown(&self, key: &Ident) -> String {
        let (here, key) = (self.place.title(), key.to_string());
        let elsewhere: Vec<_> = KNOWN.iter().filter(|(_, known, _)| *known == key).collect();
        if let Some((place, _, example)) = elsewhere.first() {
            let help = match (self.place, *place, key.as_str()) {
                (Place::Step | Place::Compensate, Place::Retry, _) => format!("write `retry({example})`"),
                (Place::Retry, Place::Step | Place::Compensate, _) => {
                    format!("write it beside `retry(..)`, not within: `retry(..), {example}`")
                }
                (Place::Compensate, _, "deadline") => "write `within = \"24h\"`".to_owned(),
                (Place::Step, _, "within") => "write `deadline = \"24h\"`".to_owned(),
                (_, Place::Compensate, _) => format!("write `#[compensate(step, {example})]`"),
                (_, Place::Step, _) => format!("write `#[step({example})]`"),
                (_, Place::Flow, _) => format!("write `#[flow({example})]`"),
                (_, _, _) => format!("write `#[saga({example})]`"),
            };
            return format!("`{key}` is an option of {}, not of {here}\nhelp: {help}", place.title());
        }
        if let Some(help) = from_elsewhere(self.place, &key) {
            return format!("{here} has no option `{key}`\nhelp: {help}");
        }
        let known: Vec<_> = self.place.known().collect();
        let list = match &known[..] {
            [] => format!("help: {here} has no options"),
            _ => format!(
                "help: its options are {}",
                known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        let help = match similar(&key, known.iter().copied()) {
            Some(close) => format!("help: did you mean `{}`?", example(self.place, close)),
            None => list,
        };
        format!("{here} has no option `{key}`\n{help}")
    }
}

/// Whether this is what somebody calls the step that a compensation undoes.
fn is_target(key: &str) -> bool {
    ["step", "of", "for", "undoes", "name"].contains(&key)
}

/// The method that a value names: `reserve`, or `"reserve"`.
fn named(value: &OptValue) -> Option<Ident> {
    let OptValue::Is(value) = value else { return None };
    match syn::parse2::<syn::Lit>(value.clone()) {
        Ok(syn::Lit::Str(text)) => text.parse().ok(),
        _ => syn::parse2(value.clone()).ok(),
    }
}

/// What other libraries call the number of attempts.
const ATTEMPTS: &[&str] = &["retries", "max_retries", "max_attempts", "maximum_attempts", "tries"];

/// What other libraries call the wait between two attempts.
const WAITS: &[&str] = &[
    "backoff",
    "backoff_rate",
    "back_off",
    "interval",
    "interval_seconds",
    "delay",
    "initial_interval",
    "max_interval",
];

/// What to write here for a word that other libraries have for it.
fn from_elsewhere(place: Place, key: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.contains(&key);
    let attempted = matches!(place, Place::Step | Place::Compensate);
    Some(match place {
        Place::Compensate if is_target(key) => "the step's method stands by itself: `#[compensate(reserve)]`",
        Place::Step if is(ATTEMPTS) => "write `retry(attempts = 3)`",
        Place::Compensate if is(ATTEMPTS) => {
            "an undo is tried until its time is over: write `within = \"24h\"`, or `retry(attempts = 3)`"
        }
        _ if attempted && is(WAITS) => {
            "write `retry(initial = \"50ms\", max = \"5s\")`: each wait is twice the one before"
        }
        Place::Step if is(&["undo", "rollback", "compensation", "compensate", "compensate_with", "compensated_by"]) => {
            "write `#[compensate(step)]` on the method that undoes it"
        }
        Place::Step if is(&["compensatable", "compensable"]) => {
            "leave it out: a step has a compensation unless it says otherwise"
        }
        Place::Step if is(&["idempotency_key", "key", "idempotency"]) => {
            "leave it out: the key of a call is `cx.key()`"
        }
        Place::Step if is(&["readonly", "query", "pure"]) => "write `read_only`",
        Place::Step if is(&["retryable", "retry_forever"]) => {
            "write `retriable`: a step after the pivot that cannot be refused"
        }
        Place::Step if is(&["point_of_no_return", "commit"]) => "write `pivot`",
        _ => return None,
    })
}

/// The name among `names` that was probably meant, if any is close enough.
pub(crate) fn similar<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (name.chars().count() / 3).max(1);
    names.into_iter().map(|known| (distance(name, known), known)).filter(|(far, _)| *far <= limit).min().map(|(_, k)| k)
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn a_typo_finds_what_was_meant_and_another_word_does_not() {
        let names = ["timeout", "retry", "name", "pivot"];
        assert_eq!(similar("timout", names), Some("timeout"));
        assert_eq!(similar("pviot", names), Some("pivot"));
        assert_eq!(similar("nmae", names), Some("name"));
        assert_eq!(similar("colour", names), None);
    }
}
