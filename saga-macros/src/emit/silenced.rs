//! Calls that rustc would complain of as well, in its own words and at another token: in the copy of the user's items that
//! is emitted with mistakes, their value has no type.
//!
//! `cx.wait(x).await` is shown to rustc as `(cx.wait(x), compile_error!("..")).1.await`. Of what has a `compile_error!` for
//! its value, rustc knows that it was complained of, and says nothing that follows from it; the rest of the body is checked
//! as it stands, and the editor still finds every token of it. Rustc prints the same words at the same place once. A call of what
//! does not exist is shown as the tokens that it is: `(stringify!(cx.run(x).await), compile_error!("..")).1`.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// Calls, and the `compile_error!` that reports what is wrong with them.
pub(crate) type Silenced = (Which, TokenStream);

/// Which calls.
#[derive(Debug)]
pub(crate) enum Which {
    /// The one whose method stands here.
    At(Span),
    /// The same, and there is no such method.
    Unknown(Span),
    /// All of this method on `self`.
    Of(Ident),
}

/// These items, with another value for these calls.
pub(super) fn silenced(items: TokenStream, calls: &[Silenced]) -> TokenStream {
    if calls.is_empty() { items } else { within(items, calls) }
}

fn within(run: TokenStream, calls: &[Silenced]) -> TokenStream {
    let mut output: Vec<TokenTree> = Vec::new();
    let mut pending = None;
    let mut run = run.into_iter().collect::<Vec<_>>().into_iter();
    while let Some(token) = run.next() {
        let is_call = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        if let TokenTree::Ident(ident) = &token
            && let [.., receiver, TokenTree::Punct(dot)] = &output[..]
            && dot.as_char() == '.'
            // The value that was put in the place of a call is no receiver to take apart.
            && !matches!(receiver, TokenTree::Literal(_))
            && let Some((which, error)) = error_of(receiver, ident, calls)
        {
            // It begins with the receiver: `self`, `cx`, or something in parentheses.
            pending = Some((output.len() - 2, which, error));
        }
        output.push(match token {
            TokenTree::Group(group) => {
                let mut changed = Group::new(group.delimiter(), within(group.stream(), calls));
                changed.set_span(group.span());
                changed.into()
            }
            token => token,
        });
        // It ends with its arguments; before them there may be the arguments of its generics.
        if is_call && let Some((start, which, error)) = pending.take() {
            let mut call = output.split_off(start);
            let call = if let Which::Unknown(_) = which {
                // With what it gives when it is awaited: rustc would guess that.
                let more = awaited(run.as_slice());
                call.extend(run.by_ref().take(more));
                quote!(::core::stringify!(#(#call)*))
            } else {
                quote!(#(#call)*)
            };
            output.push(Group::new(Delimiter::Parenthesis, quote!(#call, #error)).into());
            output.extend([Punct::new('.', Spacing::Alone).into(), Literal::usize_unsuffixed(1).into()]);
        }
    }
    output.into_iter().collect()
}

/// How many of these tokens are `.await` and `?`.
fn awaited(tokens: &[TokenTree]) -> usize {
    let is = |token: &TokenTree, punct: char| matches!(token, TokenTree::Punct(found) if found.as_char() == punct);
    match tokens {
        [dot, TokenTree::Ident(verb), rest @ ..] if is(dot, '.') && verb == "await" => 2 + awaited(rest),
        [question, rest @ ..] if is(question, '?') => 1 + awaited(rest),
        _ => 0,
    }
}

/// The mistake that is reported of this call.
fn error_of<'m>(receiver: &TokenTree, method: &Ident, calls: &'m [Silenced]) -> Option<&'m Silenced> {
    let place = |span: Span| (span.start().line, span.start().column);
    let is_meant = |which: &Which| match which {
        Which::At(span) | Which::Unknown(span) => place(*span) == place(method.span()),
        Which::Of(known) => known == method && matches!(receiver, TokenTree::Ident(this) if this == "self"),
    };
    calls.iter().find(|(which, _)| is_meant(which))
}
