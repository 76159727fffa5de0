//! The macros from the outside: tokens go in, and what comes out is looked at.

mod cases;
mod dice;
mod editor;
mod expansions;
mod looked_at;
mod mutate;
mod never_a_panic;
mod reduce;
mod seeds;
mod streams;
