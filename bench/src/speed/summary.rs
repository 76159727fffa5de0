//! The tables in the documentation.

use super::{
    document::Table,
    machine::Machine,
    place::root,
    report::{Row, short, table},
};
use crate::table::aligned;

/// Those of the README, and of the page about performance.
pub(super) struct Summary {
    readme: Table<'static>,
    /// By store.
    page: [(&'static str, Table<'static>); 2],
}

impl Summary {
    /// Looks for them.
    pub(super) fn find() -> Result<Self, String> {
        let page = |store| Ok::<_, String>((store, Table::find(root().join("docs/performance.md"), store)?));
        Ok(Self { readme: Table::find(root().join("README.md"), "speed")?, page: [page("sqlite")?, page("postgres")?] })
    }

    /// Writes them.
    pub(super) fn write(&self, measured: &[(Machine, Vec<Row>)]) -> Result<(), String> {
        let (mut lines, mut machines) = (Vec::new(), Vec::new());
        for (machine, rows) in measured {
            let store = rows.first().map_or("", |row| &row.store);
            for (_, page) in self.page.iter().filter(|(of, _)| *of == store) {
                page.write(&format!("{}\n\n{}", machine.sentence(), table(rows)))?;
            }
            lines.extend([line(store, "w1", "this library", rows), line(store, "w1_bare", "the bare writer", rows)]);
            machines.push(machine.sentence());
        }
        let head = ["W1", "alone", "32 in flight", "256 in flight"].map(str::to_owned);
        self.readme.write(&format!("{}\n{}", aligned(&head, &lines), machines.join("\n\n")))
    }
}

/// One of the README's lines.
fn line(store: &str, case: &str, who: &str, rows: &[Row]) -> [String; 4] {
    let cell = |in_flight: usize| {
        let row = rows.iter().find(|row| row.case == case && row.in_flight == in_flight && row.workers == 1);
        row.map(cell).unwrap_or_default()
    };
    let store = if store == "sqlite" { "SQLite" } else { "Postgres" };
    [format!("{who}, {store}"), cell(1), cell(32), cell(256)]
}

fn cell(row: &Row) -> String {
    let with = |what: &str, number: Option<f64>, unit: &str| {
        number.map(|number| format!("{what}{}{unit}", short(number))).unwrap_or_default()
    };
    let rate = with("", row.sagas_per_s, "/s");
    rate + &with(", p50 ", row.p50_ms, " ms") + &with(", ", row.cpu_us_per_saga, " µs of the processor")
}
