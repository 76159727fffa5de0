//! What each construct of the language expands to, as a page of ordinary Rust: `expansion/<construct>/input.rs` is what is
//! written, and `expanded.rs` beside it is the same with the expansion in the place of each `#[saga]`, formatted.
//!
//! Here both are compiled, so that the one is a program and the other is nothing but Rust; that the second is what the macro
//! makes of the first, and how it is written anew, is in `saga-macros/src/tests/expansions.rs`.

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
