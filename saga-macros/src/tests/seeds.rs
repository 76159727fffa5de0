//! The sagas that are written down in this repository, as tokens: what every check refuses, what is close to it and right,
//! the programs of `docs/language.md`, and the flows that are run by the tests.

use super::streams::{is_punct, trees, within};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{format_ident, quote};
use std::path::{Path, PathBuf};

/// What a macro is given.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    /// The file.
    pub(super) from: String,
    /// `name = "checkout"` of `#[saga(name = "checkout")]`; empty for a refusal.
    pub(super) options: TokenStream,
    /// The item.
    pub(super) item: TokenStream,
}

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Seeds {
    /// Items under `#[saga]`.
    pub(super) sagas: Vec<Seed>,
    /// Items under `#[derive(Refusal)]`.
    pub(super) refusals: Vec<Seed>,
}

/// Reads all of them, in the same order on every machine.
pub(super) fn read() -> Seeds {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Seeds::default();
    for folder in ["tests/ui", "tests/tests/flows"] {
        for file in sources(&root.join(folder)) {
            let text = std::fs::read_to_string(&file).expect("a source is text");
            found.add(&file.strip_prefix(&root).unwrap_or(&file).display().to_string(), &text);
        }
    }
    let page = std::fs::read_to_string(root.join("docs/language.md")).expect("the page about the language");
    for program in page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        found.add("docs/language.md", program);
    }
    found
}

/// The sagas of this file, in its order.
pub(super) fn sagas_of(text: &str) -> Vec<Seed> {
    let mut found = Seeds::default();
    found.add("", text);
    found.sagas
}

/// The Rust files of a folder, at any depth, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder of programs").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let all = paths.into_iter().flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

impl Seeds {
    fn add(&mut self, from: &str, text: &str) {
        let tokens: TokenStream = text.parse().expect("the tests' programs are at least tokens");
        self.scan(from, tokens);
    }

    fn scan(&mut self, from: &str, stream: TokenStream) {
        let tokens = trees(stream);
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.scan(from, group.stream());
            }
            match tokens.get(at + 1).filter(|_| is_punct(token, '#')).and_then(attribute) {
                Some((name, options)) if name == "saga" => {
                    self.sagas.push(Seed { from: from.to_owned(), options, item: item(&tokens[at + 2..]) });
                }
                Some((name, traits)) if name == "derive" && traits.to_string().contains("Refusal") => {
                    let item = item(&tokens[at + 2..]);
                    self.refusals.push(Seed { from: from.to_owned(), options: TokenStream::new(), item });
                }
                _ => {}
            }
            if matches!(token, TokenTree::Ident(ident) if ident == "flow")
                && tokens.get(at + 1).is_some_and(|next| is_punct(next, '!'))
                && let Some(seed) =
                    tokens.get(at + 2).and_then(|inside| flow(from, &trees(within(inside, Delimiter::Brace)?)))
            {
                self.sagas.push(seed);
            }
        }
    }
}

/// The name of an attribute and what is between its parentheses.
fn attribute(brackets: &TokenTree) -> Option<(String, TokenStream)> {
    let inside = trees(within(brackets, Delimiter::Bracket)?);
    let TokenTree::Ident(name) = inside.first()? else { return None };
    let options = inside.get(1).and_then(|options| within(options, Delimiter::Parenthesis));
    Some((name.to_string(), options.unwrap_or_default()))
}

/// The item at the start of these tokens: up to its braces, or its semicolon.
fn item(tokens: &[TokenTree]) -> TokenStream {
    let ends = |token: &TokenTree| within(token, Delimiter::Brace).is_some() || is_punct(token, ';');
    let length = tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1);
    tokens[..length].iter().cloned().collect()
}

/// The saga of a `flow! { name[a b] (self, cx, input: Order) -> u32 { .. } .. }`.
fn flow(from: &str, tokens: &[TokenTree]) -> Option<Seed> {
    let steps =
        within(tokens.get(1)?, Delimiter::Bracket)?.into_iter().map(|step| format_ident!("{}", step.to_string()));
    let mut parameters = trees(within(tokens.get(2)?, Delimiter::Parenthesis)?);
    let input: TokenStream =
        parameters.split_off(parameters.iter().position(|token| is_punct(token, ','))? + 3).into_iter().collect();
    let end = tokens.iter().position(|token| within(token, Delimiter::Brace).is_some())?;
    let (output, body) = (&tokens[5..end], &tokens[end]);
    let item = quote! {
        impl Flow {
            #[flow]
            async fn run(&self, cx: &FlowContext #input) -> Result<#(#output)*, Unwind<No>> #body
            #(
                #[step(no_compensation = "a test", idempotent = "a test")]
                async fn #steps(&self, _cx: &StepContext, what: &str) -> Result<u32, Failure<No>> { act(what) }
            )*
        }
    };
    Some(Seed { from: from.to_owned(), options: quote!(name = "flow"), item })
}

#[test]
fn what_is_written_down_is_found() {
    let seeds = read();
    let sagas = |from: &str| seeds.sagas.iter().filter(|seed| seed.from.starts_with(from)).count();
    assert!(sagas("tests/ui") > 100, "{}", sagas("tests/ui"));
    assert!(sagas("tests/tests/flows") > 60, "{}", sagas("tests/tests/flows"));
    assert!(sagas("docs") > 15, "{}", sagas("docs"));
    assert!(seeds.refusals.len() > 3, "{}", seeds.refusals.len());
}
