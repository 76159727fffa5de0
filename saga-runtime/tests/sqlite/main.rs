//! What is the SQLite store's own: its file, its locks, its crashes. The contract is tested by the conformance suite.
#![cfg(feature = "sqlite")]

mod failing;
mod files;
mod full;
mod interruptions;
mod processes;
mod support;
