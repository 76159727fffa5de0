//! What is said on the command line.

use saga_runtime::planted::Mistake;
use std::thread::available_parallelism;

/// How it is used.
pub(crate) const USAGE: &str = "\
usage: simulate --seed S                  one seed, and everything that happens in it
       simulate [--seeds A..B]            these seeds, the last one too (1..20000 unless told)
                [--minutes M] [--first A] seeds from A on (1), for so long
                [--repeat]                each of them twice: it has to do the same both times
                [--plant MISTAKE]         with this mistake made on purpose, until it is found
       simulate --planted                every mistake, and how it is found
                [--table FILE]            as this file has to say
                [--write FILE]            which it writes into this file
                [--threads N]             (as many as there are processors)
                [--json FILE]             what came of it, for a program
                [--write FILE]            the same, into this file";

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// One seed alone.
    pub(crate) seed: Option<u64>,
    /// The first of many.
    pub(crate) first: u64,
    /// The last, if there is one.
    pub(crate) last: Option<u64>,
    /// For how long, at most.
    pub(crate) minutes: Option<u64>,
    /// Whether each is run twice.
    pub(crate) repeat: bool,
    /// Whether every mistake is made.
    pub(crate) planted: bool,
    /// The file whose table of them has to be true.
    pub(crate) table: Option<String>,
    /// The file into which that is written.
    pub(crate) write: Option<String>,
    /// The mistake to be made.
    pub(crate) plant: Option<Mistake>,
    /// How many at a time.
    pub(crate) threads: usize,
    /// Where to write what came of it.
    pub(crate) json: Option<String>,
}

impl Options {
    /// What these words say.
    ///
    /// # Errors
    /// They say nothing that there is.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let threads = available_parallelism().map_or(1, usize::from);
        let mut options = Self { threads, first: 1, ..Self::default() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word}: a value is missing"));
            match &*word {
                "--seed" => options.seed = Some(number(&word, &value()?)?),
                "--seeds" => {
                    let range = value()?;
                    let (first, last) =
                        range.split_once("..").ok_or_else(|| format!("{word}: `{range}` is no range as 1..100"))?;
                    options.first = number(&word, first)?;
                    options.last = Some(number(&word, last)?);
                }
                "--first" => options.first = number(&word, &value()?)?,
                "--minutes" => options.minutes = Some(number(&word, &value()?)?),
                "--planted" => options.planted = true,
                "--table" => options.table = Some(value()?),
                "--write" => options.write = Some(value()?),
                "--repeat" => options.repeat = true,
                "--threads" => options.threads = usize::try_from(number(&word, &value()?)?).unwrap_or(1).max(1),
                "--json" => options.json = Some(value()?),
                "--plant" => {
                    let name = value()?;
                    let known = Mistake::ALL.map(Mistake::name).join(", ");
                    let mistake = Mistake::ALL.into_iter().find(|mistake| mistake.name() == name);
                    options.plant = Some(mistake.ok_or_else(|| format!("{word}: there is no `{name}`, but {known}"))?);
                }
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        if options.last.is_none() && options.minutes.is_none() {
            options.last = Some(20_000);
        }
        if options.last.is_some_and(|last| last < options.first) {
            return Err("there is no seed in an empty range".to_owned());
        }
        Ok(options)
    }
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{option}: `{text}` is no number"))
}
