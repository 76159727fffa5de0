//! What each construct of the language expands to, as a page of ordinary Rust: `expansion/<construct>/input.rs` is what is
//! written, and `expanded.rs` beside it is the same with the expansion in the place of each `#[saga]`, formatted.
//!
//! Here both are compiled, so that the one is a program and the other is nothing but Rust; and a build is asked to show one of
//! them. That the second is what the macro makes of the first, and how it is written anew, is in
//! `saga-macros/src/tests/expansions.rs`.

#![expect(clippy::all, clippy::pedantic, reason = "what is expanded is read, and not written by hand")]

macro_rules! constructs {
    ($($name:ident)*) => {
        $(
            mod $name {
                mod input {
                    include!(concat!("../expansion/", stringify!($name), "/input.rs"));
                }
                mod expanded {
                    include!(concat!("../expansion/", stringify!($name), "/expanded.rs"));
                }
            }
        )*

        #[test]
        fn every_construct_that_is_written_down_is_compiled_here() {
            let mut folders: Vec<String> = std::fs::read_dir("expansion")
                .expect("the folder of the constructs")
                .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name is ASCII"))
                .collect();
            folders.sort();
            assert_eq!(folders, [$(stringify!($name)),*]);
        }
    };
}

constructs! {
    aliases arguments attempts branch caught_refusal child child_pivot collected conditions deadline deferred
    each_in_a_loop fan_out generic inner_flow items join join_of_flows labelled_loop labels launch_and_send let_else
    made_again nested parts pivot race range scope sequence shadowed sleep sleep_until transaction wait while_loop
}

/// What `SAGA_MACRO_DEBUG=.. cargo check` says of the saga in `expansion/sequence/input.rs`.
fn shown(asked: &str) -> String {
    let check = std::process::Command::new(env!("CARGO"))
        .args("check --quiet --offline --package saga-tests --features debug --example shown".split(' '))
        .env("SAGA_MACRO_DEBUG", asked)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .expect("cargo is there");
    let said = String::from_utf8(check.stderr).expect("it is text");
    assert!(check.status.success(), "{said}");
    said
}

#[test]
fn a_build_shows_the_expansion_that_it_is_asked_for_whenever_it_is_asked() {
    let expanded = include_str!("../expansion/sequence/expanded.rs");
    // The variable alone has the saga expanded anew.
    for asked in ["Checkout", "Refund", "Refund,Checkout", "*"] {
        let said = shown(asked);
        if asked == "Refund" {
            assert_eq!(said, "");
            continue;
        }
        let (heading, shown) = said.split_once('\n').expect("a heading, and what is under it");
        assert_eq!(heading, "// `#[saga]` of `Checkout`, tests/examples/../expansion/sequence/input.rs:8, expands to:");
        assert!(expanded.contains(shown.trim()), "other than written down:\n{shown}");
    }
}
