//! Options before a line of three dashes, and what stands under `#[saga(..)]` after it. Of a crate of macros nothing can be called
//! from outside, so its modules are compiled into this one.
#![no_main]
#![expect(dead_code, reason = "the entries are not called here")]

#[path = "../../saga-macros/src/analyze/mod.rs"]
mod analyze;
#[path = "../../saga-macros/src/checks.rs"]
mod checks;
#[path = "../../saga-macros/src/emit/mod.rs"]
mod emit;
#[path = "../../saga-macros/src/errors.rs"]
mod errors;
#[path = "../../saga-macros/src/expand.rs"]
mod expand;
#[path = "../../saga-macros/src/flow/mod.rs"]
mod flow;
#[path = "../../saga-macros/src/model.rs"]
mod model;
#[path = "../../saga-macros/src/owned.rs"]
mod owned;
#[path = "../../saga-macros/src/parse/mod.rs"]
mod parse;
#[path = "../../saga-macros/src/pretty.rs"]
mod pretty;
#[path = "../../saga-macros/src/refusal.rs"]
mod refusal;

use proc_macro2::TokenStream;

/// An error or an expansion, and Rust in either case.
fn expand(text: &str) {
    let (options, item) = text.split_once("\n---\n").unwrap_or(("name = \"fuzzed\"", text));
    let (Ok(options), Ok(item)) = (options.parse::<TokenStream>(), item.parse::<TokenStream>()) else { return };
    // What is no Rust to begin with is handed on as it is, with a message.
    let whole = syn::parse2::<syn::Item>(item.clone()).is_ok();
    let expansion = expand::saga(options, &item);
    assert!(!whole || syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{expansion}");
    let _ = refusal::derive(item);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        expand(text);
    }
});
