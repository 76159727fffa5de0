//! Looking into tokens that syn does not parse: the arguments of macros, and the text of their string literals.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use syn::{Index, Member};

/// The tokens of a macro's arguments with each identifier that can be a local replaced by what `rename` says, which is told
/// whether it is a key.
///
/// Not a local: a field (`.id`), a path's segment (`id::`, `::id`), a macro's name (`id!`), a field's key (`id: ..`), a
/// lifetime. The key of a named argument (`id = ..` at the start of an argument, as in `tracing::info!(id = ..)`) is not one
/// either, as a rule, but may be a local that is assigned.
/// `{id}` and `{id:?}` in a string literal are locals: a formatting macro captures them.
pub(crate) fn map_locals(tokens: TokenStream, rename: &mut dyn FnMut(&Ident, bool) -> Option<Ident>) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mapped = tokens.iter().enumerate().map(|(at, token)| match token {
        TokenTree::Ident(ident) if can_be_local(&tokens, at) => {
            rename(ident, is_key(&tokens, at)).unwrap_or_else(|| ident.clone()).into()
        }
        TokenTree::Group(group) if !follows_spelling(&tokens, at) => {
            let mut mapped = Group::new(group.delimiter(), map_locals(group.stream(), rename));
            mapped.set_span(group.span());
            mapped.into()
        }
        TokenTree::Literal(literal) => {
            let span = literal.span();
            map_captured(literal, |name| rename(&captured(name, span)?, false).map(|ident| ident.to_string())).into()
        }
        other => other.clone(),
    });
    mapped.collect()
}

/// Every identifier in a macro's arguments, with the field that is taken of it (`order.id`, but not `order.total()`). In a
/// string literal a name is captured whole.
pub(crate) fn fields_in(tokens: TokenStream, visit: &mut dyn FnMut(&Ident, Option<&Member>)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(_) if is_key(&tokens, at) => {}
            TokenTree::Ident(ident) => {
                let field = match tokens.get(at + 1..) {
                    Some([TokenTree::Punct(dot), TokenTree::Ident(field), rest @ ..])
                        if dot.as_char() == '.' && !matches!(rest.first(), Some(TokenTree::Group(_))) =>
                    {
                        Some(Member::Named(field.clone()))
                    }
                    Some([TokenTree::Punct(dot), TokenTree::Literal(index), ..]) if dot.as_char() == '.' => {
                        index_of(index).map(Member::Unnamed)
                    }
                    _ => None,
                };
                visit(ident, field.as_ref());
            }
            TokenTree::Group(group) => fields_in(group.stream(), visit),
            TokenTree::Literal(literal) => {
                map_captured(literal, |name| {
                    if let Ok(ident) = syn::parse_str::<Ident>(name) {
                        visit(&Ident::new(&ident.to_string(), literal.span()), None);
                    }
                    None
                });
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// The field of a tuple: `pair.0`, or the first of the two in `pair.0.1`, which is one token.
fn index_of(literal: &Literal) -> Option<Index> {
    let text = literal.to_string();
    let index = text.split('.').next()?.parse().ok()?;
    Some(Index { index, span: literal.span() })
}

/// Whether the group at this place is the argument of `stringify!` or its like.
fn follows_spelling(tokens: &[TokenTree], at: usize) -> bool {
    let Some([TokenTree::Ident(name), TokenTree::Punct(bang)]) =
        at.checked_sub(2).and_then(|from| tokens.get(from..at))
    else {
        return false;
    };
    bang.as_char() == '!' && (name == "stringify" || name == "concat")
}

/// Whether this macro spells its tokens out instead of evaluating them.
pub(crate) fn only_spells(path: &syn::Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "stringify" || last.ident == "concat")
}

fn can_be_local(tokens: &[TokenTree], at: usize) -> bool {
    let punct = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
        Some(TokenTree::Punct(punct)) => Some((punct.as_char(), punct.spacing() == Spacing::Joint)),
        _ => None,
    };
    let before = punct(at.checked_sub(1));
    let before_that = punct(at.checked_sub(2));
    let after = punct(Some(at + 1));
    let after_that = punct(Some(at + 2));
    let field = matches!(before, Some(('.', _))) && !matches!(before_that, Some(('.', true)));
    let segment = matches!((before_that, before), (Some((':', true)), Some((':', _))));
    let lifetime = matches!(before, Some(('\'', _)));
    let head = matches!((after, after_that), (Some((':', true)), Some((':', _))));
    let key = matches!(after, Some((':', false)));
    let mac = matches!(after, Some(('!', false))) && matches!(tokens.get(at + 2), Some(TokenTree::Group(_)));
    !(field || segment || lifetime || head || key || mac)
}

/// Whether this is `id = ..` at the start of an argument.
fn is_key(tokens: &[TokenTree], at: usize) -> bool {
    let starts_argument = at.checked_sub(1).is_none_or(
        |before| matches!(&tokens[before], TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';')),
    );
    let assigns = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=' && punct.spacing() == Spacing::Alone);
    starts_argument && tokens.get(at + 1).is_some_and(assigns)
}

/// The identifiers that stand as keys in a macro's arguments.
pub(crate) fn keys_in(tokens: TokenStream) -> Vec<Ident> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let key = |(at, token): (usize, &TokenTree)| match token {
        TokenTree::Ident(ident) if is_key(&tokens, at) => Some(ident.clone()),
        _ => None,
    };
    tokens.iter().enumerate().filter_map(key).collect()
}

/// A string literal with the names that a formatting macro would capture from it (`{name}`, `{name:?}`, `{:>width$}`)
/// replaced by what `rename` says. Any other literal as it is.
pub(crate) fn map_captured(literal: &Literal, mut rename: impl FnMut(&str) -> Option<String>) -> Literal {
    let text = literal.to_string();
    if !text.contains('{') || !(text.starts_with('"') || text.starts_with('r')) {
        return literal.clone();
    }
    let mut mapped = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut changed = false;
    while let Some(open) = rest.find('{') {
        mapped.push_str(&rest[..=open]);
        rest = &rest[open + 1..];
        if let Some(escaped) = rest.strip_prefix('{') {
            mapped.push('{');
            rest = escaped;
            continue;
        }
        let end = rest.find('}').unwrap_or(rest.len());
        let (inside, after) = rest.split_at(end);
        let (name, spec) = inside.split_at(inside.find(':').unwrap_or(inside.len()));
        match rename(name.trim()) {
            Some(new) => {
                mapped.push_str(&new);
                changed = true;
            }
            None => mapped.push_str(name),
        }
        changed |= map_widths(spec, &mut mapped, &mut rename);
        rest = after;
    }
    mapped.push_str(rest);
    let Some(mut new) = changed.then(|| mapped.parse::<Literal>().ok()).flatten() else { return literal.clone() };
    new.set_span(literal.span());
    new
}

/// The local that a formatting macro captures by this name: `{type}` is `r#type`.
fn captured(name: &str, span: Span) -> Option<Ident> {
    let mut ident = syn::parse_str::<Ident>(name).or_else(|_| syn::parse_str(&format!("r#{name}"))).ok()?;
    ident.set_span(span);
    Some(ident)
}

/// `:>width$.precision$` of a format string.
fn map_widths(spec: &str, mapped: &mut String, rename: &mut impl FnMut(&str) -> Option<String>) -> bool {
    let mut rest = spec;
    let mut changed = false;
    while let Some(dollar) = rest.find('$') {
        let start = rest[..dollar].rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        mapped.push_str(&rest[..start]);
        let new = rename(&rest[start..dollar]);
        changed |= new.is_some();
        mapped.push_str(new.as_deref().unwrap_or(&rest[start..dollar]));
        mapped.push('$');
        rest = &rest[dollar + 1..];
    }
    mapped.push_str(rest);
    changed
}

/// Tokens as a person would write them, on one line.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text.trim().to_owned()
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut glued = true;
    let mut previous: Option<TokenTree> = None;
    for token in tokens {
        let no_space_before = match &token {
            TokenTree::Punct(punct) => matches!(punct.as_char(), '.' | ',' | ';' | '?' | ':'),
            TokenTree::Group(group) => match group.delimiter() {
                Delimiter::Parenthesis | Delimiter::Bracket => {
                    matches!(&previous, Some(TokenTree::Ident(ident)) if !is_keyword(ident))
                        || matches!(&previous, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '!' | '>'))
                }
                _ => false,
            },
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        };
        let no_space_before = no_space_before
            || matches!((&previous, &token), (Some(TokenTree::Ident(ident)), TokenTree::Punct(punct)) if punct.as_char() == '!' && !is_keyword(ident) && punct.spacing() == Spacing::Alone);
        if !glued && !no_space_before {
            text.push(' ');
        }
        // `&order`, `!done`: an operator in front of its operand; `&&` is one between two.
        let in_front = match &previous {
            None => true,
            Some(TokenTree::Punct(punct)) => punct.as_char() != '?' && punct.spacing() == Spacing::Alone,
            Some(TokenTree::Ident(ident)) => is_keyword(ident),
            Some(_) => false,
        };
        glued = match &token {
            TokenTree::Punct(punct) => match punct.as_char() {
                '.' | '!' | '\'' | '#' => true,
                '&' | '*' | '-' => punct.spacing() == Spacing::Joint || in_front,
                ':' => {
                    matches!(&previous, Some(TokenTree::Punct(p)) if p.as_char() == ':')
                        || punct.spacing() == Spacing::Joint
                }
                _ => punct.spacing() == Spacing::Joint,
            },
            _ => false,
        };
        match &token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Ident(ident) if super::verbs::shown(ident).is_some() => {
                text.push_str(super::verbs::shown(ident).unwrap_or_default());
            }
            other => text.push_str(&other.to_string()),
        }
        previous = Some(token);
    }
}

fn is_keyword(ident: &Ident) -> bool {
    matches!(
        ident.to_string().as_str(),
        "in" | "if" | "match" | "return" | "let" | "while" | "for" | "else" | "mut" | "as" | "move" | "loop" | "break"
    )
}
