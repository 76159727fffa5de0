//! The words after `macro`.

use super::source::Way;

/// What to measure.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often each program is checked.
    pub(crate) runs: usize,
    /// Of how many steps the programs are.
    pub(crate) steps: Vec<usize>,
    /// Whether `async-trait` is compared.
    pub(crate) async_trait: bool,
    /// Whether Restate is compared, which has many dependencies.
    pub(crate) restate: bool,
}

impl Options {
    /// Reads them.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self { runs: 5, steps: vec![5, 20, 100], async_trait: true, restate: true };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` takes a value"));
            match word.as_str() {
                "--runs" => options.runs = number(value()?, 1)?,
                "--steps" => {
                    options.steps = value()?.split(',').map(|steps| number(steps, 3)).collect::<Result<_, _>>()?;
                }
                "--beside" => {
                    let others = value()?;
                    (options.async_trait, options.restate) = (false, false);
                    for other in others.split(',') {
                        match other.trim() {
                            "async-trait" => options.async_trait = true,
                            "restate" => options.restate = true,
                            "nothing" => {}
                            _ => return Err(format!("`{other}` is not compared; see `help`")),
                        }
                    }
                }
                _ => return Err(format!("`{word}` is no option of `macro`; see `help`")),
            }
        }
        Ok(options)
    }

    /// Whether programs are said in this way.
    pub(crate) fn has(&self, way: Way) -> bool {
        match way {
            Way::AsyncTrait => self.async_trait,
            Way::RestateHandlers | Way::RestateRun => self.restate,
            Way::Plain | Way::Saga | Way::TimedSaga => true,
        }
    }
}

fn number(word: &str, least: usize) -> Result<usize, String> {
    let number = word.trim().parse().ok().filter(|&number| number >= least);
    number.ok_or_else(|| format!("`{word}` is no number from {least} up"))
}
