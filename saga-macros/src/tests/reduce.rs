//! The smallest tokens with which something still happens, for the case that is checked in.

use super::streams::{count, edit};
use proc_macro2::{TokenStream, TokenTree};

/// Takes tokens away, and the delimiters around others, as long as `happens` stays true.
pub(super) fn reduce(mut stream: TokenStream, happens: &dyn Fn(&TokenStream) -> bool) -> TokenStream {
    let mut size = 32;
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < count(&stream) {
            let without = edit(stream.clone(), &mut { at }, &mut |run, at| {
                let end = run.len().min(at + size);
                run.drain(at..end);
            });
            let opened = edit(stream.clone(), &mut { at }, &mut |run, at| {
                if let TokenTree::Group(group) = run[at].clone() {
                    run.splice(at..=at, group.stream());
                }
            });
            let fewer = |tokens: &TokenStream| count(tokens) < count(&stream) && happens(tokens);
            match [without, opened].into_iter().find(|tokens| fewer(tokens)) {
                Some(tokens) => (stream, smaller) = (tokens, true),
                None => at += 1,
            }
        }
        match (smaller, size) {
            (true, _) => {}
            (false, 1) => return stream,
            _ => size /= 2,
        }
    }
}

#[test]
fn what_does_not_matter_is_taken_away() {
    let tokens: TokenStream = "a (b { c [d] } e) f".parse().expect("tokens");
    let reduced = reduce(tokens, &|tokens| tokens.to_string().contains('d'));
    assert_eq!(reduced.to_string(), "d");
}
