//! The tables in the documentation.

use crate::{
    ours::root,
    rounds::Who,
    shared::{
        document::Table,
        report::{Row, short},
    },
    table::aligned,
};

const HEAD: [&str; 8] =
    ["", "case", "in flight", "sagas/s", "p50", "processor per saga", "this library on SQLite", "on Postgres"];

/// That of the README, and that of the page about performance.
pub(crate) struct Summary {
    readme: Table<'static>,
    page: Table<'static>,
}

impl Summary {
    /// Looks for them.
    pub(crate) fn find() -> Result<Self, String> {
        let table = |file: &str| Table::find(root().join(file), "peers");
        Ok(Self { readme: table("README.md")?, page: table("docs/performance.md")? })
    }

    /// Writes them.
    pub(crate) fn write(&self, rows: &[(Who, Row)]) -> Result<(), String> {
        let page: Vec<[String; 8]> = rows.iter().map(|(who, row)| cells(*who, row)).collect();
        self.page.write(&aligned(&HEAD.map(str::to_owned), &page))?;
        let mut lines: Vec<[String; 4]> = Vec::new();
        for (who, row) in rows.iter().filter(|(_, row)| row.case.ends_with("_w1") && row.workers == 1) {
            let column = match row.in_flight {
                1 => 1,
                32 => 2,
                256 => 3,
                _ => continue,
            };
            let known = lines.iter().position(|line| line[0] == who.title());
            let place = known.unwrap_or(lines.len());
            if known.is_none() {
                lines.push([who.title(), String::new(), String::new(), String::new()]);
            }
            lines[place][column] = format!("{}/s, p50 {}", said(row.sagas_per_s, ""), said(row.p50_ms, " ms"));
        }
        let head = ["W1", "alone", "32 in flight", "256 in flight"].map(str::to_owned);
        self.readme.write(&aligned(&head, &lines))
    }
}

fn cells(who: Who, row: &Row) -> [String; 8] {
    let times = |name: &str| row.more.get(name).map(|times| format!("× {}", short(*times))).unwrap_or_default();
    let flight = if row.workers > 1 {
        format!("{} of {} processes", row.in_flight, row.workers)
    } else {
        row.in_flight.to_string()
    };
    let case = row.case.rsplit('_').next().unwrap_or_default().to_uppercase();
    [
        who.title(),
        case,
        flight,
        said(row.sagas_per_s, ""),
        said(row.p50_ms, " ms"),
        said(row.cpu_us_per_saga, " µs"),
        times("times_saga_sqlite"),
        times("times_saga_postgres"),
    ]
}

fn said(number: Option<f64>, unit: &str) -> String {
    number.map(|number| format!("{}{unit}", short(number))).unwrap_or_default()
}
