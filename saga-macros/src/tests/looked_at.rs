//! What is asked of every expansion, whatever went in.

use super::streams::{is_punct, trees, within};
use crate::expand;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// A saga, or a refusal.
    Whole,
    /// Mistakes.
    Mistakes,
}

/// What comes out where these tokens go in; or what is wrong with it: that it panicked, that something of the user's is
/// missing, or that it is no Rust.
pub(super) fn of_saga(options: &TokenStream, item: &TokenStream) -> Result<Came, String> {
    let expand = || caught(|| expand::saga(options.clone(), item));
    let expansion = expand()?;
    let (users, ours) = split(item, &expansion)?;
    let text = is_rust(&ours)?;
    torn(item, &users)?;
    if text.contains("compile_error") {
        return Ok(Came::Mistakes);
    }
    if !text.contains("__rt :: Saga for") {
        return Err(format!("neither an error nor a saga: {text}"));
    }
    let (once, again) = (expansion.to_string(), expand()?.to_string());
    if once == again { Ok(Came::Whole) } else { Err(format!("not the same in every build:\n{once}\n{again}")) }
}

/// The same for `#[derive(Refusal)]`.
pub(super) fn of_refusal(item: &TokenStream) -> Result<Came, String> {
    let text = is_rust(&caught(|| crate::refusal::derive(item.clone()))?)?;
    Ok(if text.contains("compile_error") { Came::Mistakes } else { Came::Whole })
}

/// These tokens as text, if they are items.
fn is_rust(tokens: &TokenStream) -> Result<String, String> {
    match syn::parse2::<syn::File>(tokens.clone()) {
        Ok(_) => Ok(tokens.to_string()),
        Err(error) => Err(format!("what is emitted is no Rust: {error}: {tokens}")),
    }
}

/// What this gives, or what it panicked with.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("panicked: {}", text.unwrap_or_default())
    })
}

/// An item that is Rust is still Rust without our attributes.
///
/// Read from its text: an invisible group around some tokens of a statement is nothing to rustc, but stops syn in places.
fn torn(item: &TokenStream, users: &TokenStream) -> Result<(), String> {
    if syn::parse_file(&item.to_string()).is_err() {
        return Ok(());
    }
    syn::parse_file(&users.to_string()).map_err(|error| format!("the user's item is torn: {error}: {users}"))?;
    Ok(())
}

/// The user's own item as it was emitted, and everything else; or that the item is not there, token for token.
pub(super) fn split(item: &TokenStream, expansion: &TokenStream) -> Result<(TokenStream, TokenStream), String> {
    let emitted = trees(expansion.clone());
    // Our attributes on the item itself are left where they are.
    let item: Vec<String> = item.clone().into_iter().map(|token| plain(token.into()).to_string()).collect();
    let shown: Vec<String> = emitted.iter().map(|token| plain(heard(token.clone().into())).to_string()).collect();
    let start = (0..=shown.len().saturating_sub(item.len())).find(|&start| shown[start..].starts_with(&item));
    let Some(start) = start else {
        return Err(format!(
            "the user's item is not there as it was written:\n{}\n{}",
            item.join(" "),
            shown.join(" ")
        ));
    };
    let (before, rest) = emitted.split_at(start);
    let (users, after) = rest.split_at(item.len());
    let ours = before.iter().chain(after).cloned().collect();
    Ok((users.iter().cloned().collect(), ours))
}

/// Tokens without our attributes, at all depths.
pub(super) fn plain(stream: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = Vec::new();
    for token in stream {
        if is_ours(&token) && tokens.last().is_some_and(|before| is_punct(before, '#')) {
            tokens.pop();
            continue;
        }
        tokens.push(match token {
            TokenTree::Group(group) => Group::new(group.delimiter(), plain(group.stream())).into(),
            token => token,
        });
    }
    tokens.into_iter().collect()
}

/// Tokens as they are without what keeps rustc from complaining of a call: `(call, compile_error!("..")).1` is the call.
fn heard(stream: TokenStream) -> TokenStream {
    let mut tokens = Vec::new();
    let mut rest = trees(stream).into_iter().peekable();
    while let Some(token) = rest.next() {
        let TokenTree::Group(group) = token else {
            tokens.push(token);
            continue;
        };
        let inside = trees(heard(group.stream()));
        let error = inside.iter().rposition(|token| is_punct(token, ',')).filter(|&comma| {
            let after: TokenStream = inside[comma + 1..].iter().cloned().collect();
            after.to_string().starts_with(":: core :: compile_error")
        });
        match error {
            Some(comma) if rest.peek().is_some_and(|next| is_punct(next, '.')) => {
                tokens.extend(call_in(inside.into_iter().take(comma).collect()));
                rest.next();
                rest.next();
            }
            _ => tokens.push(Group::new(group.delimiter(), inside.into_iter().collect()).into()),
        }
    }
    tokens.into_iter().collect()
}

/// A call that rustc does not see stands in a `stringify!`.
fn call_in(shown: Vec<TokenTree>) -> Vec<TokenTree> {
    match shown.split_last() {
        Some((TokenTree::Group(call), head))
            if head.iter().cloned().collect::<TokenStream>().to_string() == ":: core :: stringify !" =>
        {
            trees(call.stream())
        }
        _ => shown,
    }
}

/// Whether these are the brackets of an attribute that a `#[saga]` takes away, or of the one that it puts in its place.
fn is_ours(brackets: &TokenTree) -> bool {
    if brackets.to_string().contains("clippy :: unused_async") {
        return true;
    }
    let names = within(brackets, Delimiter::Bracket).unwrap_or_default().into_iter();
    let path = names.take_while(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
    let last = path.filter(|token| matches!(token, TokenTree::Ident(_))).last();
    last.is_some_and(|name| ["flow", "step", "compensate", "signal", "state"].contains(&name.to_string().as_str()))
}

/// The messages of the `compile_error!`s among these items, in their order.
pub(super) fn compile_errors(ours: &TokenStream) -> Vec<String> {
    let items = syn::parse2::<syn::File>(ours.clone()).expect("what is emitted is Rust").items;
    let message = |item: syn::Item| match item {
        syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
            Some(item.mac.parse_body::<syn::LitStr>().ok()?.value())
        }
        _ => None,
    };
    items.into_iter().filter_map(message).collect()
}
