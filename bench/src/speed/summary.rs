//! The tables in the documentation.

use super::{
    document::write_between,
    machine::Machine,
    place::root,
    report::{Row, short, table},
};
use crate::table::aligned;

/// Writes those of the README, and of the page about performance.
pub(super) fn write(measured: &[(Machine, Vec<Row>)]) -> Result<(), String> {
    let page = root().join("docs/performance.md");
    let mut lines = Vec::new();
    for (machine, rows) in measured {
        let store = rows.first().map_or("", |row| &row.store);
        write_between(&page, store, &format!("{}\n\n{}", machine.sentence(), table(rows)))?;
        lines.extend([line(store, "w1", "this library", rows), line(store, "w1_bare", "the bare writer", rows)]);
    }
    let head = ["W1", "alone", "32 in flight", "256 in flight"].map(str::to_owned);
    let machine = measured.first().map(|(machine, _)| machine.sentence()).unwrap_or_default();
    write_between(&root().join("README.md"), "speed", &format!("{}\n{machine}", aligned(&head, &lines)))
}

/// One of the README's lines.
fn line(store: &str, case: &str, who: &str, rows: &[Row]) -> [String; 4] {
    let cell = |in_flight: usize| {
        let row = rows.iter().find(|row| row.case == case && row.in_flight == in_flight && row.workers == 1);
        row.map(cell).unwrap_or_default()
    };
    [format!("{who}, {store}"), cell(1), cell(32), cell(256)]
}

fn cell(row: &Row) -> String {
    let with = |what: &str, number: Option<f64>, unit: &str| {
        number.map(|number| format!("{what}{}{unit}", short(number))).unwrap_or_default()
    };
    let rate = with("", row.sagas_per_s, "/s");
    rate + &with(", p50 ", row.p50_ms, " ms") + &with(", ", row.cpu_us_per_saga, " µs of the processor")
}
