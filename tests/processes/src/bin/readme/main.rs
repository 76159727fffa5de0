//! The README's program.
#![expect(clippy::unused_async, reason = "a step is async, also where it calls nobody, as in a program to paste")]

include!("program.rs");
