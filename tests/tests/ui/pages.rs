//! The pages of the documentation, a check each: the programs that it refuses with their messages, and the closest one that it
//! does not.

use super::{
    checks::{BY_TYPE, CHECKS, Known},
    files,
};
use std::{fmt::Write as _, fs, path::Path};

/// Where the pages stand.
const PAGES: &str = "../saga-runtime/src/checks";

#[test]
fn the_documentation_shows_every_check_with_its_programs_and_messages() {
    let mut module = String::from(MODULE);
    for known @ (id, ..) in CHECKS.iter().chain(BY_TYPE) {
        let _ = write!(module, "\npub mod {id} {{\n    #![doc = include_str!(\"checks/{id}.md\")]\n}}\n");
        held(&format!("{PAGES}/{id}.md"), &page(known));
    }
    held(&format!("{PAGES}.rs"), &module);
}

const MODULE: &str = "//! What `#[saga]` refuses to compile, a page each: the wrong program, what the compiler says, and the right one.
//!
//! This is documentation, made of the programs that the tests compile: there is nothing to call here. In them,
//! `saga_tests::shop` stands for the types of a shop: an `Order` with its `lines`, a `Hold`, a `Charge`, a `Parcel`, and the
//! refusal `Refused`.
//!
//! Checks are made on the tokens of the annotated methods, on the graph of the flow, and by types. What stands behind an
//! ordinary call is not looked into.
";

/// One check's page.
fn page((id, refused, prevents): &Known) -> String {
    let mut page = format!("Refused: {refused}.\n\nOtherwise: {prevents}.\n");
    for file in files(id, "rs") {
        let _ = write!(page, "\n## {}\n\n", file.replace('_', " "));
        code(&mut page, "rust,ignore", &read(&format!("ui/{id}/{file}.rs")));
        page.push_str("\nsays\n\n");
        code(&mut page, "text", &read(&format!("ui/{id}/{file}.stderr")));
    }
    page.push_str("\n## What compiles\n\n");
    code(&mut page, "rust,ignore", &read(&format!("ui/pass/{id}.rs")));
    page
}

fn code(page: &mut String, kind: &str, text: &str) {
    let text = text.trim_end().trim_end_matches("fn main() {}").trim_end();
    let _ = write!(page, "```{kind}\n{text}\n```\n");
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The file says this; or is made to, if `PAGES=overwrite` says so.
fn held(path: &str, text: &str) {
    if std::env::var("PAGES").is_ok_and(|pages| pages == "overwrite") {
        fs::create_dir_all(Path::new(path).parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a page can be written");
    }
    assert!(
        read(path) == text,
        "{path} is not what the programs in tests/ui say: PAGES=overwrite cargo test -p saga-tests --test ui documentation"
    );
}
