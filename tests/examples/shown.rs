//! A saga that a build is asked to show, by `tests/expansion.rs`.

include!("../expansion/sequence/input.rs");

fn main() {}
