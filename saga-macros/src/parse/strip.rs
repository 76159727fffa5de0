//! Takes our attributes away, token by token, so that everything else comes out as it went in.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

/// The items of an impl block without `#[flow]`, `#[step]`, `#[compensate]`, `#[signal]`, and without the `#[state]`s of a flow's body.
pub(super) fn items(body: &Group) -> Group {
    let mut output = Vec::new();
    let mut in_flow = false;
    let mut tokens = body.stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_hash(&token)
            && let Some(TokenTree::Group(group)) = tokens.peek()
            && let Some(name) = ours(group)
        {
            in_flow |= name == "flow";
            tokens.next();
            if name != "signal" {
                // It is async because a saga's methods are, whether or not it awaits anything.
                output.extend(quote!(#[allow(clippy::unused_async)]));
            }
            continue;
        }
        output.push(match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let body = if in_flow { states(&group) } else { group };
                in_flow = false;
                TokenTree::Group(body)
            }
            token => token,
        });
    }
    regroup(body, output)
}

/// A body without its `#[state(..)]`s, at any depth.
fn states(body: &Group) -> Group {
    let mut output = Vec::new();
    let mut tokens = body.stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_hash(&token)
            && let Some(TokenTree::Group(group)) = tokens.peek()
            && attribute_name(group).is_some_and(|name| name == "state")
        {
            tokens.next();
            continue;
        }
        output.push(match token {
            TokenTree::Group(group) => TokenTree::Group(states(&group)),
            token => token,
        });
    }
    regroup(body, output)
}

/// The same braces around other tokens.
fn regroup(old: &Group, tokens: Vec<TokenTree>) -> Group {
    let mut group = Group::new(old.delimiter(), tokens.into_iter().collect::<TokenStream>());
    group.set_span(old.span());
    group
}

fn is_hash(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#')
}

/// The name of the attribute in these brackets, if it is one of those that mark an item.
fn ours(group: &Group) -> Option<String> {
    attribute_name(group).filter(|name| matches!(name.as_str(), "flow" | "step" | "compensate" | "signal"))
}

/// The name of the attribute in these brackets: `step` of `[step(pivot)]` and of `[saga_runtime::step(pivot)]`.
fn attribute_name(group: &Group) -> Option<String> {
    if group.delimiter() != Delimiter::Bracket {
        return None;
    }
    let mut tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    // As a `macro_rules!` was given it.
    while let [TokenTree::Group(inner)] = &tokens[..]
        && inner.delimiter() == Delimiter::None
    {
        tokens = inner.stream().into_iter().collect();
    }
    let mut names = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => names.push(ident.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            _ => break,
        }
    }
    match &names[..] {
        [name] => Some(name.clone()),
        [krate, .., name] if krate == "saga_runtime" => Some(name.clone()),
        _ => None,
    }
}
