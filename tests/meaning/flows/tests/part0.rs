//! A part of the random flows.

saga_meaning_flows::flows!("/part0.rs");
