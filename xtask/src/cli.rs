//! What may follow `cargo xtask`, and what is said about words that may not.

use std::fmt::Write as _;

use crate::stage::{self, Stage};

/// One command, understood.
pub(crate) enum Command {
    /// Print what there is.
    Help,
    /// Run seeds of the simulation.
    Simulate(Vec<String>),
    /// Run the long form of every trial, together for so long.
    Soak {
        /// For how long, in minutes.
        minutes: u64,
    },
    /// Run the stages named, in their usual order.
    Test {
        /// The stages to run: all of them unless `--only` names some.
        only: Vec<&'static Stage>,
    },
}

/// Reads the words after `cargo xtask`.
///
/// An error is one sentence, or two, for a person: it names the word that is not understood and what could stand there.
pub(crate) fn parse(words: &[String]) -> Result<Command, String> {
    let mut words = words.iter().map(String::as_str);
    match words.next() {
        None | Some("help" | "--help" | "-h") => match words.next() {
            None => Ok(Command::Help),
            Some(extra) => Err(format!("`help` takes nothing after it, and `{extra}` follows")),
        },
        Some("test") => parse_test(words),
        // What may follow, the simulation knows.
        Some("simulate") => Ok(Command::Simulate(words.map(str::to_owned).collect())),
        Some("soak") => parse_soak(words),
        Some(other) => Err(format!("there is no command `{other}`; there are `test`, `simulate`, `soak` and `help`")),
    }
}

fn parse_test<'w>(mut words: impl Iterator<Item = &'w str>) -> Result<Command, String> {
    let mut named: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        let stage = match word.split_once('=') {
            Some(("--only", stage)) => stage,
            _ if word == "--only" => {
                words.next().ok_or_else(|| format!("`--only` needs a stage after it: {}", stage_names()))?
            }
            _ if matches!(word, "--help" | "-h") => return Ok(Command::Help),
            _ => {
                return Err(format!("`test` does not know `{word}`; it takes `--only STAGE`"));
            }
        };
        if !stage::ALL.iter().any(|known| known.name == stage) {
            return Err(format!("there is no stage `{stage}`; the stages are {}", stage_names()));
        }
        named.push(stage);
    }
    let only = stage::ALL.iter().filter(|stage| named.is_empty() || named.contains(&stage.name)).collect();
    Ok(Command::Test { only })
}

fn parse_soak<'w>(mut words: impl Iterator<Item = &'w str>) -> Result<Command, String> {
    let minutes = match (words.next(), words.next(), words.next()) {
        (Some("--minutes"), Some(minutes), None) => minutes.parse().ok().filter(|minutes| *minutes > 0),
        (Some("--help" | "-h"), None, None) => return Ok(Command::Help),
        _ => None,
    };
    let minutes = minutes.ok_or("`soak` takes `--minutes M`: for how long it may run")?;
    Ok(Command::Soak { minutes })
}

fn stage_names() -> String {
    let names: Vec<String> = stage::ALL.iter().map(|stage| format!("`{}`", stage.name)).collect();
    names.join(", ")
}

/// The text of `cargo xtask help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "cargo xtask test                run every check there is; stop at the first that fails\n\
         cargo xtask test --only STAGE   run one stage (may be given more than once)\n\
         cargo xtask simulate            run seeds of the simulation; `cargo xtask simulate --help` says which\n\
         cargo xtask simulate --seed S   run one, and tell everything that happens in it\n\
         cargo xtask soak --minutes M    run the long form of every trial, together for so long, and print a table\n\
         cargo xtask help                print this\n\
         \n\
         The stages, in the order in which they run:\n",
    );
    for stage in stage::ALL {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {:<10}{}", stage.name, stage.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Command, help, parse};
    use crate::stage;

    fn parsed(line: &str) -> Result<Vec<&'static str>, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match parse(&words)? {
            Command::Help => Ok(vec!["help"]),
            Command::Simulate(_) => Ok(vec!["simulate"]),
            Command::Soak { .. } => Ok(vec!["soak"]),
            Command::Test { only } => Ok(only.iter().map(|stage| stage.name).collect()),
        }
    }

    #[test]
    fn test_alone_runs_every_stage() {
        let all: Vec<&str> = stage::ALL.iter().map(|stage| stage.name).collect();
        assert_eq!(parsed("test"), Ok(all));
    }

    #[test]
    fn only_picks_stages_and_keeps_their_order() {
        assert_eq!(parsed("test --only clippy"), Ok(vec!["clippy"]));
        assert_eq!(parsed("test --only=clippy"), Ok(vec!["clippy"]));
        assert_eq!(parsed("test --only clippy --only format"), Ok(vec!["format", "clippy"]));
    }

    #[test]
    fn nothing_and_every_spelling_of_help_print_the_help() {
        for line in ["", "help", "--help", "-h", "test --help"] {
            assert_eq!(parsed(line), Ok(vec!["help"]), "{line:?}");
        }
    }

    #[test]
    fn unknown_words_are_named_together_with_what_could_stand_there() {
        let said = |line: &str| parsed(line).expect_err(line);
        assert_eq!(said("tset"), "there is no command `tset`; there are `test`, `simulate`, `soak` and `help`");
        assert_eq!(said("test --fast"), "`test` does not know `--fast`; it takes `--only STAGE`");
        assert!(said("test --only clipy").starts_with("there is no stage `clipy`; the stages are `needs`, `format`"));
        assert!(said("test --only").starts_with("`--only` needs a stage after it: `needs`"));
        assert_eq!(said("help me"), "`help` takes nothing after it, and `me` follows");
    }

    #[test]
    fn a_soak_says_for_how_long() {
        assert_eq!(parsed("soak --minutes 5"), Ok(vec!["soak"]));
        for line in ["soak", "soak --minutes", "soak --minutes 0", "soak --minutes x", "soak --minutes 5 more"] {
            assert!(parsed(line).expect_err(line).contains("`--minutes M`"), "{line:?}");
        }
        assert_eq!(parsed("simulate --seed 7"), Ok(vec!["simulate"]));
    }

    #[test]
    fn the_help_names_every_stage() {
        let text = help();
        for stage in stage::ALL {
            assert!(text.contains(stage.name), "{} is missing", stage.name);
        }
    }
}
