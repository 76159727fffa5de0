//! What is the same as in `bench`: the payloads, the closed loop, the counting, the tables.

#![expect(dead_code, reason = "`bench` needs more of it")]

#[path = "../../src/speed/document.rs"]
pub(crate) mod document;
#[path = "../../src/speed/flight.rs"]
pub(crate) mod flight;
#[path = "../../src/speed/histogram.rs"]
pub(crate) mod histogram;
#[path = "../../src/speed/payload.rs"]
pub(crate) mod payload;
#[path = "../../src/speed/report.rs"]
pub(crate) mod report;
#[path = "../../src/speed/usage.rs"]
pub(crate) mod usage;
