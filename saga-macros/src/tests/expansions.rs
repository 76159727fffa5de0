//! What each construct of the language expands to: `tests/expansion/<construct>/expanded.rs` is `input.rs` beside it with
//! the expansion in the place of each `#[saga]`. It is read as a stranger would read it.
//!
//! `EXPANSION=overwrite cargo test -p saga-macros expansions` writes them anew.

use super::seeds::sagas_of;
use crate::expand;
use std::path::Path;

/// What stands at the top of what is written here.
const HEAD: &str =
    "// What `input.rs` expands to; `EXPANSION=overwrite cargo test -p saga-macros expansions` writes it.\n\n";

#[test]
fn each_construct_expands_to_what_is_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expansion");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("the constructs").map(|entry| entry.expect("a construct").path()).collect();
    names.sort();
    assert!(names.len() > 30, "{names:?}");
    let mut changed = Vec::new();
    for construct in names {
        let input = std::fs::read_to_string(construct.join("input.rs")).expect("what is written");
        let file = construct.join("expanded.rs");
        let expanded = format!("{HEAD}{}", expanded(&input));
        if std::env::var_os("EXPANSION").is_some_and(|value| value == "overwrite") {
            std::fs::write(&file, &expanded).expect("a place for what it expands to");
        } else if std::fs::read_to_string(&file).ok() != Some(expanded) {
            changed.push(construct.display().to_string());
        }
    }
    assert!(changed.is_empty(), "other than written down, see the top of this file: {}", changed.join(", "));
}

#[test]
fn the_page_about_the_language_shows_a_part_of_what_is_written_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/language.md")).expect("the page about the language");
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut parts = 0;
    for part in page.split("<!-- expansion: ").skip(1) {
        let (construct, rest) = part.split_once(" -->\n```text\n").expect("a construct, and a part of its expansion");
        let (part, _) = rest.split_once("\n```\n").expect("the part ends");
        let file = root.join("tests/expansion").join(construct).join("expanded.rs");
        let expanded = std::fs::read_to_string(file).expect("what it expands to");
        assert!(lines(&expanded).contains(&lines(part)), "no part of what `{construct}` expands to:\n{part}");
        parts += 1;
    }
    assert!(parts > 0, "the page shows none");
}

/// This file with the expansion in the place of each `#[saga]`.
fn expanded(input: &str) -> String {
    let file: syn::File = syn::parse_str(input).expect("the input is Rust");
    let mut sagas = sagas_of(input).into_iter();
    let mut items = Vec::new();
    for item in file.items {
        if !matches!(&item, syn::Item::Impl(item) if item.attrs.iter().any(|attr| attr.path().is_ident("saga"))) {
            items.push(item);
            continue;
        }
        let saga = sagas.next().expect("each of them is found");
        let expansion = expand::saga(saga.options, &saga.item);
        items.extend(syn::parse2::<syn::File>(expansion).expect("it is Rust").items);
    }
    prettyplease::unparse(&syn::File { items, ..file })
}
