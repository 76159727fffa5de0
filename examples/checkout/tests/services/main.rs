//! The services as their callers see them: real processes, real HTTP, one promise a test.

mod barrier;
mod demo;
mod faults;
mod input;
mod keys;
mod orders;
mod orders_input;
mod place;
mod process;
mod service;
mod shop;
mod start;
