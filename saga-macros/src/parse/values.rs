//! The values of options, read as what they stand for.

use super::options::{OptValue, Options, example};
use crate::errors::Errors;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use std::time::Duration;
use syn::{
    Lit,
    parse::{ParseStream, Parser},
};

/// A path as it stands in a `use`: without generics, and without `Self`, which is no module.
pub(crate) fn module(input: ParseStream<'_>) -> syn::Result<syn::Path> {
    let path = syn::Path::parse_mod_style(input)?;
    match path.segments.iter().find(|segment| segment.ident == "Self") {
        Some(segment) => Err(syn::Error::new(segment.ident.span(), "`Self` is a type, and no crate or module")),
        None => Ok(path),
    }
}

/// The longest duration that an option takes: beyond it somebody meant something else.
const LONGEST: Duration = Duration::from_hours(3650 * 24);
/// The longest durable name: it is part of keys and of paths.
const LONGEST_NAME: usize = 64;

/// A duration and where it is written.
pub(crate) type Timed = (Duration, Span);

impl Options {
    /// `pivot`: whether it is there, and where.
    pub(crate) fn flag(&self, key: &str, errors: &mut Errors) -> Option<Span> {
        let option = self.get(key)?;
        let place = match &option.value {
            OptValue::Flag => return Some(option.key.span()),
            OptValue::Is(value) => value.clone(),
            OptValue::List(_) => option.key.to_token_stream(),
        };
        errors.at("bad_value", place, format_args!("`{key}` takes no value\nhelp: write `{key}`"));
        Some(option.key.span())
    }

    /// `idempotent = "why"`: a text, which says something.
    pub(crate) fn reason(&self, key: &str, errors: &mut Errors) -> Option<String> {
        let (text, span) = self.text(key, "a reason", errors)?;
        if text.trim().is_empty() {
            errors.span("bad_value", span, format_args!("`{key}` takes a reason, and this one is empty"));
        }
        Some(text)
    }

    /// `name = "checkout"`: a durable name.
    pub(crate) fn name(&self, errors: &mut Errors) -> Option<String> {
        let (text, span) = self.text("name", "a durable name", errors)?;
        if let Err(reason) = check_name(&text) {
            errors.span("bad_value", span, reason);
        }
        Some(text)
    }

    /// `policy = "payments"`: the name of a policy, written as durable names are.
    pub(crate) fn policy(&self, errors: &mut Errors) -> Option<String> {
        let (text, span) = self.text("policy", "the name of a policy", errors)?;
        if let Err(reason) = check_name(&text) {
            let reason =
                reason.replace("a durable name", "the name of a policy").replace("durable name", "policy name");
            errors.span("bad_value", span, reason);
        }
        Some(text)
    }

    /// `timeout = "2s"`: a duration.
    pub(crate) fn duration(&self, key: &str, errors: &mut Errors) -> Option<Timed> {
        let (text, span) = self.text(key, "a duration", errors)?;
        match duration(&text) {
            Ok(duration) => Some((duration, span)),
            Err(reason) => {
                errors.span("bad_value", span, format_args!("{reason}\nhelp: {}", written(self, key)));
                None
            }
        }
    }

    /// `attempts = 6`: a number from 1.
    pub(crate) fn number(&self, key: &str, errors: &mut Errors) -> Option<(u32, Span)> {
        let value = self.value(key, "a number", errors)?;
        let Ok(Lit::Int(number)) = syn::parse2::<Lit>(value.clone()) else {
            self.bad(key, "a number", value, errors);
            return None;
        };
        match number.base10_parse::<u32>() {
            Ok(0) => errors.at("bad_value", value, format_args!("`{key}` is at least 1")),
            Ok(count) => return Some((count, number.span())),
            Err(_) => errors.at("bad_value", value, format_args!("`{key}` is a number from 1 to {}", u32::MAX)),
        }
        None
    }

    /// `jitter = false`: true or false.
    pub(crate) fn truth(&self, key: &str, errors: &mut Errors) -> Option<bool> {
        let value = self.value(key, "`true` or `false`", errors)?;
        if let Ok(Lit::Bool(truth)) = syn::parse2::<Lit>(value.clone()) {
            return Some(truth.value);
        }
        self.bad(key, "`true` or `false`", value, errors);
        None
    }

    /// `retry(..)`: its options.
    pub(crate) fn nested(&self, key: &str, errors: &mut Errors) -> Option<&Options> {
        let option = self.get(key)?;
        if let OptValue::List(options) = &option.value {
            return Some(options);
        }
        errors.at(
            "bad_value",
            &option.key,
            format_args!("`{key}` takes options of its own\nhelp: {}", written(self, key)),
        );
        None
    }

    /// `crate = my_crate::saga`: a path.
    pub(crate) fn path(&self, key: &str, errors: &mut Errors) -> Option<syn::Path> {
        let value = self.value(key, "a path", errors)?;
        let path = module.parse2(value.clone()).ok();
        if path.is_none() {
            self.bad(key, "a path", value, errors);
        }
        path
    }

    /// A text and where it is written.
    pub(crate) fn text(&self, key: &str, what: &str, errors: &mut Errors) -> Option<(String, Span)> {
        let value = self.value(key, what, errors)?;
        if let Ok(Lit::Str(text)) = syn::parse2::<Lit>(value.clone()) {
            return Some((text.value(), text.span()));
        }
        self.bad(key, what, value, errors);
        None
    }

    /// What stands behind the `=`.
    fn value(&self, key: &str, what: &str, errors: &mut Errors) -> Option<&TokenStream> {
        let option = self.get(key)?;
        match &option.value {
            OptValue::Is(value) if !value.is_empty() => Some(value),
            _ => {
                self.bad(key, what, &option.key, errors);
                None
            }
        }
    }

    fn bad(&self, key: &str, what: &str, place: impl ToTokens, errors: &mut Errors) {
        errors.at(
            "bad_value",
            place.to_token_stream(),
            format_args!("`{key}` takes {what}\nhelp: {}", written(self, key)),
        );
    }
}

fn written(options: &Options, key: &str) -> String {
    format!("write `{}`", example(options.place, key))
}

/// Reads `50ms`, `2s`, `5m`, `24h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = &text[..text.len() - unit.len()];
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => {
            return Err(format!(
                "`{text}` is not a duration: a whole number and one of the units `ms`, `s`, `m`, `h`, `d`"
            ));
        }
    };
    if count.is_empty() {
        return Err(format!("`{text}` is not a duration: the number is missing"));
    }
    let duration = count.parse::<u64>().ok().and_then(|count| count.checked_mul(millis)).map(Duration::from_millis);
    match duration {
        Some(Duration::ZERO) => Err(format!("`{text}` leaves no time at all")),
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(format!("`{text}` is longer than ten years")),
    }
}

/// A duration as a person says it: `3m 1.5s`.
pub(crate) fn spoken(duration: Duration) -> String {
    let millis = duration.as_millis();
    let mut parts = Vec::new();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)];
    let rest = units.into_iter().fold(millis, |rest, (unit, length)| {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
        }
        rest % length
    });
    match (rest / 1_000, rest % 1_000) {
        (0, 0) => {}
        (0, millis) => parts.push(format!("{millis}ms")),
        (seconds, 0) => parts.push(format!("{seconds}s")),
        (seconds, millis) => {
            parts.push(format!("{}s", format!("{seconds}.{millis:03}").trim_end_matches('0')));
        }
    }
    parts.join(" ")
}

/// A duration as a const expression.
pub(crate) fn duration_tokens(duration: Duration) -> TokenStream {
    if duration.subsec_nanos() == 0 {
        let seconds = Literal::u64_unsuffixed(duration.as_secs());
        return quote!(__rt::Duration::from_secs(#seconds));
    }
    let millis = Literal::u64_unsuffixed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    quote!(__rt::Duration::from_millis(#millis))
}

/// Whether a text can be a durable name: it goes into keys, headers and paths.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() {
        return Err("a durable name must not be empty".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Err(format!("a durable name has at most {LONGEST_NAME} characters, and this one has {}", name.len()));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(format!("durable name `{name}` must begin with a letter"));
    }
    match name.chars().find(|c| !legal(*c)) {
        Some(bad) => Err(format!(
            "durable name `{name}` contains `{bad}`: it consists of ASCII letters, digits, `_`, `-` and `.`"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_name, duration, spoken};
    use std::time::Duration;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        assert_eq!(duration("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(7 * 24)));
        for bad in ["", "5", "s", "1.5s", "-1s", "5 s", "5S", "0s", "99999999999999999999s", "4000d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_said_in_the_units_in_which_they_are_written() {
        for (millis, said) in [
            (50, "50ms"),
            (2_000, "2s"),
            (181_500, "3m 1.5s"),
            (120_000, "2m"),
            (90_060_001, "1d 1h 1m 1ms"),
            (604_800_000, "7d"),
        ] {
            assert_eq!(spoken(Duration::from_millis(millis)), said);
        }
    }

    #[test]
    fn names_are_safe_in_keys_and_paths() {
        for good in ["checkout", "Second-card.v2", "_x"] {
            assert_eq!(check_name(good), Ok(()));
        }
        for bad in ["", "a b", "a/b", "1a", "größe", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
