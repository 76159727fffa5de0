//! A part of the random flows.

saga_meaning_flows::flows!("/part1.rs");
