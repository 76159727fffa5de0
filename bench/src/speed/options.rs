//! The words after the case.

/// What to measure, and how.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) stores: Vec<StoreKind>,
    /// How often each case is run.
    pub(crate) runs: usize,
    /// How long each run is measured.
    pub(crate) seconds: f64,
    /// How many are in flight, one case after the other.
    pub(crate) in_flight: Vec<usize>,
    /// Worker processes, each with 64 in flight.
    pub(crate) workers: Option<usize>,
    /// Sleepers and orphans.
    pub(crate) instances: usize,
    /// What is in flight when its memory is measured.
    pub(crate) sagas: usize,
    /// How long a worker is taken for alive, in seconds.
    pub(crate) lease: f64,
    pub(crate) json: bool,
    /// Whether the tables in the documentation are written.
    pub(crate) write: bool,
}

/// On what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    /// On a server that is there, or one that is started for this.
    Postgres(Option<String>),
}

impl Options {
    /// Reads them.
    pub(crate) fn parse(case: &str, words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            stores: Vec::new(),
            runs: 3,
            seconds: 5.0,
            in_flight: vec![1, 32, 256],
            workers: None,
            instances: 1_000_000,
            sagas: 10_000,
            lease: 15.0,
            json: false,
            write: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` takes a value"));
            match word.as_str() {
                "--store" => options.stores.push(store(value()?)?),
                "--runs" => options.runs = number(value()?)?,
                "--seconds" => options.seconds = seconds(value()?)?,
                "--in-flight" => options.in_flight = value()?.split(',').map(number).collect::<Result<_, _>>()?,
                "--workers" if case == "w1" => options.workers = Some(number(value()?)?),
                "--instances" => options.instances = number(value()?)?,
                "--sagas" => options.sagas = number(value()?)?,
                "--lease" if case == "takeover" => options.lease = seconds(value()?)?,
                "--json" => options.json = true,
                "--write" if case == "all" => options.write = true,
                "--workers" => return Err(format!("`--workers` is an option of `w1`, and not of `{case}`")),
                "--lease" => return Err(format!("`--lease` is an option of `takeover`, and not of `{case}`")),
                "--write" => {
                    return Err("`--write` is an option of `all`: the tables are of one run of everything".to_owned());
                }
                _ => return Err(format!("`{word}` is no option of `{case}`; see `help`")),
            }
        }
        if options.stores.is_empty() {
            options.stores.push(if case == "takeover" { StoreKind::Postgres(None) } else { StoreKind::Sqlite });
            if case == "all" {
                options.stores.push(StoreKind::Postgres(None));
            }
        }
        if options.write && options.stores.len() < 2 {
            return Err("`--write` needs both stores, as `all` has them without `--store`".to_owned());
        }
        let sqlite = options.stores.contains(&StoreKind::Sqlite);
        if sqlite && case == "takeover" {
            return Err(
                "a SQLite store has one worker at a time, and nobody to take over: `--store postgres`".to_owned()
            );
        }
        if sqlite && options.workers.is_some_and(|workers| workers > 1) {
            return Err("a SQLite store has one worker at a time: `--workers` needs `--store postgres`".to_owned());
        }
        Ok(options)
    }
}

fn store(word: &str) -> Result<StoreKind, String> {
    match word {
        "sqlite" => Ok(StoreKind::Sqlite),
        "postgres" => Ok(StoreKind::Postgres(None)),
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(StoreKind::Postgres(Some(url.to_owned())))
        }
        _ => Err(format!("`{word}` is no store: `sqlite`, `postgres`, or `postgres://user@host/database`")),
    }
}

fn number(word: &str) -> Result<usize, String> {
    let number = word.trim().parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("`{word}` is no number from 1 up"))
}

fn seconds(word: &str) -> Result<f64, String> {
    let seconds = word.trim().parse().ok().filter(|&seconds: &f64| seconds > 0.0 && seconds <= 3600.0);
    seconds.ok_or_else(|| format!("`{word}` is no time between 0 and 3600 seconds"))
}
