//! The words after the program's name.

use crate::library::Library;

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) runs: usize,
    pub(crate) seconds: f64,
    pub(crate) in_flight: Vec<usize>,
    pub(crate) workers: usize,
    pub(crate) only: Vec<Library>,
    pub(crate) json: bool,
    pub(crate) write: bool,
}

impl Options {
    /// Reads them.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            runs: 3,
            seconds: 5.0,
            in_flight: vec![1, 32, 256],
            workers: 4,
            only: Library::here(),
            json: false,
            write: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` takes a value"));
            match word.as_str() {
                "--runs" => options.runs = number(value()?, 1)?,
                "--seconds" => {
                    let seconds = value()?;
                    let read = seconds.parse().ok().filter(|&seconds: &f64| seconds > 0.0 && seconds <= 3600.0);
                    options.seconds =
                        read.ok_or_else(|| format!("`{seconds}` is no time between 0 and 3600 seconds"))?;
                }
                "--in-flight" => {
                    options.in_flight = value()?.split(',').map(|word| number(word, 1)).collect::<Result<_, _>>()?;
                }
                "--workers" => options.workers = number(value()?, 0)?,
                "--only" => {
                    let named = |word: &str| {
                        let found = Library::ALL.into_iter().find(|library| library.word() == word);
                        found.ok_or_else(|| format!("`{word}` is not compared; see `help`"))
                    };
                    options.only = value()?.split(',').map(named).collect::<Result<_, _>>()?;
                }
                "--json" => options.json = true,
                "--write" => options.write = true,
                _ => return Err(format!("`{word}` is no option; see `help`")),
            }
        }
        match options.only.iter().find(|library| !Library::here().contains(library)) {
            None => Ok(options),
            Some(library) => Err(format!(
                "{} cannot be run here: install the npm package @restatedev/restate-server, or name its program by RESTATE_SERVER",
                library.title()
            )),
        }
    }
}

fn number(word: &str, least: usize) -> Result<usize, String> {
    let number = word.trim().parse().ok().filter(|&number| number >= least);
    number.ok_or_else(|| format!("`{word}` is no number from {least} up"))
}
