//! The collector of mistakes: all are reported in one pass, in the order of the source, each once.

use crate::checks::CHECKS;
use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;

/// A check of the catalogue (e.g. `missing_compensation`).
pub(crate) type Check = &'static str;

/// What syn cannot read although rustc could: no check, but a mistake that is reported like one.
pub(crate) const SYNTAX: &str = "syntax";

/// Mistakes found so far. Panics if it is dropped without anybody having looked, so that none is lost.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<(Check, syn::Error)>,
    looked: bool,
}

impl Errors {
    /// A collector to which nobody listens, for looking again at what has been reported already.
    pub(crate) fn unheard() -> Self {
        Self { found: Vec::new(), looked: true }
    }

    /// A mistake at these tokens. The message follows the catalogue: what is wrong, why, then `help:` on a line of its own.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a token, or a reference to one: both read well where it is called"
    )]
    pub(crate) fn at(&mut self, check: Check, place: impl Spanned, message: impl std::fmt::Display) {
        self.span(check, place.span(), message);
    }

    /// A mistake at this span.
    pub(crate) fn span(&mut self, check: Check, span: Span, message: impl std::fmt::Display) {
        self.syntax(check, syn::Error::new(span, message));
    }

    /// A mistake that syn found.
    pub(crate) fn syntax(&mut self, check: Check, error: syn::Error) {
        let known = check == SYNTAX || CHECKS.iter().any(|(id, ..)| *id == check);
        debug_assert!(known, "`{check}` is not in the table of checks");
        self.found.push((check, error));
    }

    /// Whether anything was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Everything that was found, in the order of the source, as `compile_error!`s; nothing if nothing was.
    pub(crate) fn into_tokens(mut self) -> TokenStream {
        self.looked = true;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|(_, error)| {
            let start = error.span().start();
            (start.line, start.column)
        });
        found.iter().map(|(_, error)| error.to_compile_error()).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(self.looked || std::thread::panicking(), "mistakes were collected and nobody looked");
    }
}
