//! The participants as their callers see them: real processes, real HTTP, one promise a test.

mod barrier;
mod faults;
mod input;
mod keys;
mod process;
mod service;
