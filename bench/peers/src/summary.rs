//! The tables in the documentation.

use crate::{
    ours::root,
    rounds::Who,
    shared::{
        document::write_between,
        report::{Row, short},
    },
    table::aligned,
};

const HEAD: [&str; 8] =
    ["", "case", "in flight", "sagas/s", "p50", "processor per saga", "this library on SQLite", "on Postgres"];

/// Writes the README's, and that of the page about performance.
pub(crate) fn write(rows: &[(Who, Row)]) -> Result<(), String> {
    let page: Vec<[String; 8]> = rows.iter().map(|(who, row)| cells(*who, row)).collect();
    let page = aligned(&HEAD.map(str::to_owned), &page);
    write_between(&root().join("docs/performance.md"), "peers", &page)?;
    let mut lines: Vec<[String; 4]> = Vec::new();
    for (who, row) in rows.iter().filter(|(_, row)| row.case.ends_with("_w1") && row.workers == 1) {
        let place = match lines.iter().position(|line| line[0] == who.title()) {
            Some(place) => place,
            None => {
                lines.push([who.title(), String::new(), String::new(), String::new()]);
                lines.len() - 1
            }
        };
        let column = match row.in_flight {
            1 => 1,
            32 => 2,
            256 => 3,
            _ => continue,
        };
        lines[place][column] = format!("{}/s, p50 {}", said(row.sagas_per_s, ""), said(row.p50_ms, " ms"));
    }
    let head = ["W1", "alone", "32 in flight", "256 in flight"].map(str::to_owned);
    write_between(&root().join("README.md"), "peers", &aligned(&head, &lines))
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
