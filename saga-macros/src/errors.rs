//! The collector of mistakes: all are reported in one pass, in the order of the source, each once.

use crate::{
    checks::CHECKS,
    emit::{Silenced, Which},
};
use proc_macro2::{Ident, Span, TokenStream};
use syn::spanned::Spanned;

/// A check of the catalogue (e.g. `missing_compensation`).
pub(crate) type Check = &'static str;

/// What syn cannot read although rustc could: no check, but a mistake that is reported like one.
pub(crate) const SYNTAX: &str = "syntax";

/// Mistakes found so far. Panics if it is dropped without anybody having looked, so that none is lost.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<(Check, syn::Error)>,
    /// Those that rustc would report as well.
    silenced: Vec<(syn::Error, bool)>,
    /// Methods of whose calls rustc would complain, for what was reported of their signatures.
    methods: Vec<(Ident, syn::Error)>,
    looked: bool,
}

impl Errors {
    /// A collector to which nobody listens, for looking again at what has been reported already.
    pub(crate) fn unheard() -> Self {
        Self { found: Vec::new(), silenced: Vec::new(), methods: Vec::new(), looked: true }
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

    /// A mistake at this method of a call, which is one to rustc as well: what it would say is not to be said.
    pub(crate) fn instead_of_rustc(&mut self, check: Check, method: Span, message: impl std::fmt::Display) {
        let error = syn::Error::new(method, message);
        self.silenced.push((error.clone(), true));
        self.syntax(check, error);
    }

    /// A mistake at this method of a call, which there is not: rustc is to see nothing of the call.
    pub(crate) fn instead_of_the_call(&mut self, check: Check, method: Span, message: impl std::fmt::Display) {
        let error = syn::Error::new(method, message);
        self.silenced.push((error.clone(), false));
        self.syntax(check, error);
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

    /// Whether something could not be read: what is said of the rest might be said of what is missing only.
    pub(crate) fn is_torn(&self) -> bool {
        self.found.iter().any(|(check, _)| *check == SYNTAX)
    }

    /// How many were found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// What was found since there were so many is wrong with the signature of this method, if it is of that check: what rustc
    /// says of its calls would follow from it.
    pub(crate) fn of_signature(&mut self, method: &Ident, since: usize) {
        let wrong = self.found[since..].iter().find(|(check, _)| *check == "signature");
        self.methods.extend(wrong.map(|(_, error)| (method.clone(), error.clone())));
    }

    /// The calls of which rustc is not to complain by itself.
    pub(crate) fn silenced(&self) -> Vec<Silenced> {
        let calls = self.silenced.iter().map(|(error, is_there)| {
            let which = if *is_there { Which::At } else { Which::Unknown };
            (which(error.span()), error)
        });
        let all = self.methods.iter().map(|(method, error)| (Which::Of(method.clone()), error));
        calls.chain(all).map(|(which, error)| (which, error.to_compile_error())).collect()
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
