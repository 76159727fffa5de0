//! What was measured of one case, over all runs: as a line of JSON, and as a row of a table.

use crate::{median::median, table::aligned};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The medians of a case. What there is nothing to say of is `null`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was run.
    pub(crate) case: String,
    /// On what.
    pub(crate) store: String,
    /// How many at once, of all workers.
    pub(crate) in_flight: usize,
    /// Sagas that ended in a second.
    pub(crate) sagas_per_s: Option<f64>,
    /// From the start of a saga to its result, of half of them.
    pub(crate) p50_ms: Option<f64>,
    /// And of all but a hundredth.
    pub(crate) p99_ms: Option<f64>,
    /// The most memory that one of its processes had.
    pub(crate) rss_mib: Option<f64>,
    /// What is in the store for each saga afterwards.
    pub(crate) bytes_per_saga: Option<f64>,
    /// What the database itself does, with 100 rows in a transaction.
    pub(crate) raw_rows_per_s: Option<f64>,
    /// Sagas per second over those of the bare writer: the median of what each round says.
    pub(crate) ratio_raw: Option<f64>,
    /// Time on the processor for each saga, with that of the database's server, if it is on this machine.
    pub(crate) cpu_us_per_saga: Option<f64>,
    /// The ends of `sagas_per_s`.
    pub(crate) min: Option<f64>,
    /// The other one.
    pub(crate) max: Option<f64>,
    /// Worker processes.
    pub(crate) workers: usize,
    /// How often it was run.
    pub(crate) runs: usize,
    /// What else there is to say of this case.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<String, f64>,
}

/// What was measured once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Each as in [`Row`].
    pub(crate) per_s: Option<f64>,
    /// Milliseconds.
    pub(crate) p50: Option<f64>,
    /// Milliseconds.
    pub(crate) p99: Option<f64>,
    /// MiB.
    pub(crate) rss: Option<f64>,
    /// Bytes.
    pub(crate) bytes: Option<f64>,
    /// Microseconds.
    pub(crate) cpu: Option<f64>,
    /// By name.
    pub(crate) more: BTreeMap<String, f64>,
}

/// All that was measured of one case.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its name.
    pub(crate) case: String,
    /// How many at once, of all workers.
    pub(crate) in_flight: usize,
    /// Worker processes.
    pub(crate) workers: usize,
    /// One for each run.
    pub(crate) samples: Vec<Sample>,
}

impl Series {
    /// Nothing yet.
    pub(crate) fn new(case: &str, in_flight: usize, workers: usize) -> Self {
        Self { case: case.to_owned(), in_flight, workers, samples: Vec::new() }
    }

    /// The median over all runs, of those that have it.
    pub(crate) fn median(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(of))
    }

    /// The median of what each run says beside that of another one: what one round compares was measured within seconds.
    pub(crate) fn ratio(&self, other: &Self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let pairs = self.samples.iter().zip(&other.samples);
        let ratios = pairs.filter_map(|(own, other)| Some(of(own)? / of(other)?));
        median(ratios.filter(|ratio| ratio.is_finite()))
    }

    /// All of it, beside the bare writer's, if that does the same.
    pub(crate) fn row(&self, store: &str, raw: Option<f64>, bare: Option<&Self>) -> Row {
        let rates = || self.samples.iter().filter_map(|sample| sample.per_s);
        let names = self.samples.iter().flat_map(|sample| sample.more.keys());
        let mut more: BTreeMap<String, f64> = BTreeMap::new();
        for name in names {
            if let Some(median) = self.median(|sample| sample.more.get(name).copied()) {
                more.insert(name.clone(), median);
            }
        }
        if let Some(bare) = bare.filter(|bare| self.case != bare.case)
            && let Some(ratio) = self.ratio(bare, |sample| sample.p50)
        {
            more.insert("ratio_p50".to_owned(), ratio);
        }
        Row {
            case: self.case.clone(),
            store: store.to_owned(),
            in_flight: self.in_flight,
            sagas_per_s: self.median(|sample| sample.per_s),
            p50_ms: self.median(|sample| sample.p50),
            p99_ms: self.median(|sample| sample.p99),
            rss_mib: self.median(|sample| sample.rss),
            bytes_per_saga: self.median(|sample| sample.bytes),
            raw_rows_per_s: raw,
            ratio_raw: bare.and_then(|bare| self.ratio(bare, |sample| sample.per_s)),
            cpu_us_per_saga: self.median(|sample| sample.cpu),
            min: rates().reduce(f64::min),
            max: rates().reduce(f64::max),
            workers: self.workers,
            runs: self.samples.len(),
            more,
        }
    }
}

const HEAD: [&str; 10] = [
    "case",
    "in flight",
    "sagas/s",
    "p50",
    "p99",
    "processor per saga",
    "of the bare writer",
    "memory",
    "stored per saga",
    "besides",
];

/// A table of Markdown that can be read as it is.
pub(crate) fn table(rows: &[Row]) -> String {
    let cells: Vec<[String; 10]> = rows.iter().map(cells).collect();
    aligned(&HEAD.map(str::to_owned), &cells)
}

fn cells(row: &Row) -> [String; 10] {
    let with =
        |number: Option<f64>, unit: &str| number.map(|number| format!("{}{unit}", short(number))).unwrap_or_default();
    let spread = match (row.sagas_per_s, row.min, row.max) {
        (Some(middle), Some(min), Some(max)) if row.runs > 1 => {
            format!("{} ({} to {})", short(middle), short(min), short(max))
        }
        (middle, ..) => with(middle, ""),
    };
    let flight = if row.workers > 1 {
        format!("{} of {} workers", row.in_flight, row.workers)
    } else {
        row.in_flight.to_string()
    };
    let more: Vec<String> = row.more.iter().map(|(name, number)| format!("{name} {}", short(*number))).collect();
    [
        row.case.clone(),
        flight,
        spread,
        with(row.p50_ms, " ms"),
        with(row.p99_ms, " ms"),
        with(row.cpu_us_per_saga, " µs"),
        row.ratio_raw.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
        with(row.rss_mib, " MiB"),
        with(row.bytes_per_saga, " B"),
        more.join(", "),
    ]
}

/// With as many digits as matter.
pub(crate) fn short(number: f64) -> String {
    let digits = match number.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{number:.digits$}");
    if digits > 0 { text } else { grouped(&text) }
}

/// `1234567` as `1,234,567`.
fn grouped(text: &str) -> String {
    let mut grouped = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(letter);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{Sample, Series, short};

    #[test]
    fn a_ratio_is_of_rounds_and_not_of_medians() {
        let series = |rates: [f64; 3]| Series {
            samples: rates.map(|per_s| Sample { per_s: Some(per_s), ..Sample::default() }).into(),
            ..Series::new("a", 1, 1)
        };
        let (own, bare) = (series([50.0, 90.0, 10.0]), series([100.0, 100.0, 10.0]));
        assert_eq!(own.ratio(&bare, |sample| sample.per_s), Some(0.9));
        let row = own.row("sqlite", None, Some(&bare));
        assert_eq!((row.sagas_per_s, row.min, row.max, row.ratio_raw), (Some(50.0), Some(10.0), Some(90.0), Some(0.9)));
    }

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let said = [0.634, 12.34, 999.6, 1_234_567.8].map(short);
        assert_eq!(said, ["0.63", "12.3", "1,000", "1,234,568"]);
    }
}
