//! Tokens as a person would write them, in messages and in what is generated.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::ToTokens;

/// A number without the suffix of its type.
pub(crate) fn number(number: usize) -> Literal {
    Literal::usize_unsuffixed(number)
}

/// A name in camel case: `second_card` as `SecondCard`.
pub(crate) fn camel(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let upper = |word: &str| {
        let mut rest = word.chars();
        rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect::<String>()
    };
    words.map(upper).collect()
}

/// These tokens on one line, with spaces where rustfmt puts them in a type or a pattern.
pub(crate) fn tokens(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' | ';' => {
                    text.push(punct.as_char());
                    text.push(' ');
                }
                '=' | '+' | '|' | '-' if punct.spacing() == proc_macro2::Spacing::Alone => {
                    text.push(' ');
                    text.push(punct.as_char());
                    text.push(' ');
                }
                c => text.push(c),
            },
            word => {
                if text.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}
