//! Small things to do with tokens.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The tokens of a stream.
pub(super) fn trees(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

/// These tokens between such delimiters.
pub(super) fn group(delimiter: Delimiter, tokens: impl IntoIterator<Item = TokenTree>) -> TokenTree {
    Group::new(delimiter, tokens.into_iter().collect()).into()
}

/// Whether this is that punctuation.
pub(super) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// The tokens between these delimiters, if the token is such a group.
pub(super) fn within(token: &TokenTree, delimiter: Delimiter) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

/// How many tokens there are, at all depths.
pub(super) fn count(stream: &TokenStream) -> usize {
    let each = |token: TokenTree| match token {
        TokenTree::Group(group) => 1 + count(&group.stream()),
        _ => 1,
    };
    stream.clone().into_iter().map(each).sum()
}

/// Changes the tokens around the one with this number, which counts all depths, by `edit`: it is given the whole run that
/// the token stands in, and its place there.
pub(super) fn edit(
    stream: TokenStream,
    number: &mut usize,
    edit: &mut dyn FnMut(&mut Vec<TokenTree>, usize),
) -> TokenStream {
    let mut tokens = trees(stream);
    let mut at = 0;
    while at < tokens.len() {
        if *number == 0 {
            *number = usize::MAX;
            edit(&mut tokens, at);
            break;
        }
        *number -= 1;
        if let TokenTree::Group(group) = &tokens[at] {
            let inside = self::edit(group.stream(), number, edit);
            if *number == usize::MAX {
                let mut changed = Group::new(group.delimiter(), inside);
                changed.set_span(group.span());
                tokens[at] = changed.into();
                break;
            }
        }
        at += 1;
    }
    tokens.into_iter().collect()
}
