//! Options about attempts and time, as const expressions of the definition.

use crate::{
    errors::Errors,
    model::Longest,
    parse::{Options, Timed, duration_tokens, spoken},
};
use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use std::time::Duration;

/// What the runtime does when nothing is said; the same values as in `definition`: `Retry::DEFAULT`, `Policy::STEP`
/// and `Compensation::PLAIN`.
const INITIAL: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const WITHIN: Duration = Duration::from_hours(24);

/// How the attempts of a call are bounded.
#[derive(Debug)]
pub(super) struct Policy {
    /// `attempts = N`, with its span.
    pub(super) attempts: Option<(u32, Span)>,
    /// Whether `attempts_then = "park"` is written out.
    pub(super) parks: bool,
    /// The longest that all attempts may take, if that is bounded.
    pub(super) longest: Option<Longest>,
    /// `policy = "payments"`
    pub(super) name: Option<String>,
    own_timeout: bool,
    own_retry: bool,
    timeout: Duration,
    deadline: Option<Duration>,
    retry: Option<TokenStream>,
}

impl Policy {
    /// Reads the policy of a step.
    pub(super) fn of_step(options: &Options, errors: &mut Errors) -> Self {
        let deadline = options.duration("deadline", errors);
        let mut policy = Self::read(options, deadline, "deadline", errors);
        // A named policy may bound the attempts, at any time.
        let bounded = ["deadline", "policy"].iter().any(|key| options.get(key).is_some());
        policy.parks = parks(options, policy.attempts.is_some() || bounded, errors);
        policy
    }

    /// Reads the policy of a compensation, and how long it is tried, if that is not as always.
    pub(super) fn of_compensation(options: &Options, errors: &mut Errors) -> (Self, Option<Duration>) {
        let within = options.duration("within", errors);
        let mut policy = Self::read(options, within, "within", errors);
        policy.deadline = None;
        policy.parks = true;
        (policy, within.map(|(within, _)| within).filter(|within| *within != WITHIN))
    }

    fn read(options: &Options, bound: Option<Timed>, bound_key: &str, errors: &mut Errors) -> Self {
        let timeout = options.duration("timeout", errors);
        if let (Some((timeout, span)), Some((bound, _))) = (timeout, bound)
            && timeout > bound
        {
            errors.span(
                "unknown_option",
                span,
                format_args!(
                    "`timeout` can have no effect: it is longer than `{bound_key}`, which bounds all attempts together"
                ),
            );
        }
        let retry = Retry::of(options.nested("retry", errors), errors);
        let deadline = bound.map(|(bound, _)| bound);
        let policy = options.policy(errors);
        let (own_timeout, own_retry) = (timeout.is_some(), options.get("retry").is_some());
        let timeout = timeout.map_or(TIMEOUT, |(timeout, _)| timeout);
        // A named policy may give an attempt less time, and that may change at any moment.
        let known = own_timeout || policy.is_none();
        let all = retry.attempts.filter(|_| known).map(|(attempts, span)| retry.longest(attempts, timeout, span));
        let bound = bound.map(|(time, span)| Longest { time, why: "its own `deadline`".to_owned(), span });
        Self {
            attempts: retry.attempts,
            parks: false,
            longest: [all, bound].into_iter().flatten().min_by_key(|longest| longest.time),
            name: policy,
            own_timeout,
            own_retry,
            timeout,
            deadline,
            retry: retry.tokens(),
        }
    }

    /// The const expression, beside the names of `definition`, if anything is other than in this one.
    pub(super) fn on_top_of(&self, base: &TokenStream) -> Option<TokenStream> {
        let timeout = (self.timeout != TIMEOUT).then(|| duration_tokens(self.timeout));
        let said = [
            timeout.map(|timeout| quote!(timeout: #timeout)),
            self.deadline.map(duration_tokens).map(|deadline| quote!(deadline: __rt::Some(#deadline))),
            self.retry.as_ref().map(|retry| quote!(retry: #retry)),
            self.own_timeout.then(|| quote!(own_timeout: true)),
            self.own_retry.then(|| quote!(own_retry: true)),
        ];
        let said: Vec<TokenStream> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| quote!(Policy { #(#said,)* ..#base }))
    }
}

/// Reads `attempts_then = "park"`; `bounded` says whether anything can run out.
fn parks(options: &Options, bounded: bool, errors: &mut Errors) -> bool {
    let Some((text, span)) = options.text("attempts_then", "`\"park\"`", errors) else {
        return options.get("attempts_then").is_some();
    };
    if text != "park" {
        errors.span("bad_value", span, "the only value of `attempts_then` is `\"park\"`\nhelp: write `attempts_then = \"park\"`, or leave it out: the flow then gets `Exhausted`");
    } else if !bounded && let Some(option) = options.get("attempts_then") {
        errors.at(
            "unknown_option",
            &option.key,
            "`attempts_then` can have no effect: neither attempts nor time are bounded\n\
             help: add `retry(attempts = 6)` or `deadline = \"10m\"`, or remove it",
        );
    }
    true
}

/// `retry(..)`, or what stands for it.
struct Retry {
    initial: Duration,
    max: Duration,
    attempts: Option<(u32, Span)>,
    jitter: bool,
}

impl Retry {
    fn of(options: Option<&Options>, errors: &mut Errors) -> Self {
        let Some(options) = options else { return Self { initial: INITIAL, max: MAX, attempts: None, jitter: true } };
        let initial = options.duration("initial", errors);
        let max = options.duration("max", errors);
        let attempts = options.number("attempts", errors);
        let jitter = options.truth("jitter", errors).unwrap_or(true);
        if options.empty {
            errors.span(
                "unknown_option",
                options.span,
                "`retry` without options can have no effect\nhelp: write `retry(initial = \"50ms\", max = \"5s\", attempts = 6)`, or remove it",
            );
        }
        if let (Some((initial, at_initial)), Some((max, at_max))) = (initial, max)
            && initial > max
        {
            for span in [at_initial, at_max] {
                errors.span("bad_value", span, "`initial` is above `max`: no wait is longer than `max`");
            }
        }
        if let Some((1, _)) = attempts {
            for option in options.list.iter().filter(|option| option.key != "attempts") {
                errors.at(
                    "unknown_option",
                    &option.key,
                    format_args!(
                        "`{}` can have no effect: with one attempt there is no wait between attempts",
                        option.key
                    ),
                );
            }
        }
        // A bound on one side moves the other's default, so that the two never cross.
        let (initial, max) = match (initial, max) {
            (Some((initial, _)), Some((max, _))) => (initial, max),
            (Some((initial, _)), None) => (initial, MAX.max(initial)),
            (None, Some((max, _))) => (INITIAL.min(max), max),
            (None, None) => (INITIAL, MAX),
        };
        Self { initial, max, attempts, jitter }
    }

    /// How long so many attempts take if each lasts as long as it may, and each wait as well.
    fn longest(&self, attempts: u32, timeout: Duration, span: Span) -> Longest {
        let mut time = timeout.saturating_mul(attempts);
        let mut wait = self.initial;
        for done in 1..attempts {
            if wait >= self.max {
                time = time.saturating_add(self.max.saturating_mul(attempts - done));
                break;
            }
            time = time.saturating_add(wait);
            wait = wait.saturating_mul(2);
        }
        let of = spoken(timeout);
        let why = match attempts {
            1 => format!("one attempt of {of}"),
            _ => format!("{attempts} attempts of {of}, with the waits between them"),
        };
        Longest { time, why, span }
    }

    /// The const expression, if anything is not as always.
    fn tokens(&self) -> Option<TokenStream> {
        let jitter = self.jitter;
        let count = self.attempts.map(|(count, _)| Literal::u32_unsuffixed(count));
        let said = [
            (self.initial != INITIAL).then(|| duration_tokens(self.initial)).map(|initial| quote!(initial: #initial)),
            (self.max != MAX).then(|| duration_tokens(self.max)).map(|max| quote!(max: #max)),
            count.map(|count| quote!(attempts: __rt::Some(#count))),
            (!jitter).then(|| quote!(jitter: #jitter)),
        ];
        let said: Vec<TokenStream> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| quote!(Retry { #(#said,)* ..Retry::DEFAULT }))
    }
}
