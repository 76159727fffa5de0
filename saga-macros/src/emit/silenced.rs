//! Calls that rustc would complain of as well, in its own words and at another token: in the copy of the user's items that
//! is emitted with mistakes, their value has no type.
//!
//! `cx.wait(x).await` is shown to rustc as `(cx.wait(x), compile_error!("..")).1.await`. Of what has a `compile_error!` for
//! its value, rustc knows that it was complained of, and says nothing that follows from it; the rest of the body is checked
//! as it stands, and the editor still finds every token of it. Rustc prints the same words at the same place once.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// Calls, and the `compile_error!` that reports what is wrong with them.
pub(crate) type Silenced = (Which, TokenStream);

/// Which calls.
#[derive(Debug)]
pub(crate) enum Which {
    /// The one whose method stands here.
    At(Span),
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
    for token in run {
        let is_call = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        if let TokenTree::Ident(ident) = &token
            && let [.., receiver, TokenTree::Punct(dot)] = &output[..]
            && dot.as_char() == '.'
            // The value that was put in the place of a call is no receiver to take apart.
            && !matches!(receiver, TokenTree::Literal(_))
            && let Some(error) = error_of(receiver, ident, calls)
        {
            // It begins with the receiver: `self`, `cx`, or something in parentheses.
            pending = Some((output.len() - 2, error));
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
        if is_call && let Some((start, error)) = pending.take() {
            let call = output.split_off(start);
            output.push(Group::new(Delimiter::Parenthesis, quote!(#(#call)*, #error)).into());
            output.extend([Punct::new('.', Spacing::Alone).into(), Literal::usize_unsuffixed(1).into()]);
        }
    }
    output.into_iter().collect()
}

/// The mistake that is reported of this call.
fn error_of<'m>(receiver: &TokenTree, method: &Ident, calls: &'m [Silenced]) -> Option<&'m TokenStream> {
    let place = |span: Span| (span.start().line, span.start().column);
    let is_meant = |which: &Which| match which {
        Which::At(span) => place(*span) == place(method.span()),
        Which::Of(known) => known == method && matches!(receiver, TokenTree::Ident(this) if this == "self"),
    };
    calls.iter().find(|(which, _)| is_meant(which)).map(|(_, error)| error)
}
