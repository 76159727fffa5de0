//! Ends a process at every point around every write and every effect, and looks at what comes of it.
//!
//! ```text
//! crash-points [--edges | --all | --pairs] [--store sqlite|postgres] [--case WORDS] [--at-a-time N] [--minutes N] [--seed N] [--json FILE]
//! crash-points --case WORDS --store STORE --kill 'POINT (N)'.. [--times N]
//! ```
//!
//! `--edges`, which the tests do, is the first and the last time that each saga passes each point; `--all`, if nothing is said, every
//! time that each way of each saga does; `--pairs` is that, with a second death at every point of each life that takes over. It prints a
//! table of all points, and fails if a promise is broken or a point was never hit. With `--store` or `--case`, of which a part of the
//! name will do, less is tried, and points that are not hit are told and no failure.
//!
//! After so many `--minutes` nothing more is begun, and it says how much was left out; which pairs those are, `--seed` says. With
//! `--kill`, as it stands in a violation, that very history happens again, `--times` as often.
//!
//! `crash-points life JSON` is one of the lives, as the trial itself starts them.

use saga_process_tests::{
    Kill, StoreKind,
    cases::CASES,
    life::Life,
    trial::{Depth, Trial},
};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// No life takes so long. Whatever in it does not end, the trial does.
const TOO_LONG: Duration = Duration::from_mins(2);

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [life, told] if life == "life" => {
            std::thread::spawn(|| {
                std::thread::sleep(TOO_LONG);
                eprintln!("it neither ends nor says why");
                std::process::exit(3);
            });
            if let Err(error) = live(&serde_json::from_str(told)?) {
                eprintln!("{error}");
                return Ok(ExitCode::FAILURE);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => try_them(&arguments),
    }
}

/// On one thread: while that is at a point, nothing of the program goes on.
#[tokio::main(flavor = "current_thread")]
async fn live(life: &Life) -> Result<(), Failed> {
    println!("{}", serde_json::to_string(&life.live().await?)?);
    Ok(())
}

fn try_them(arguments: &[String]) -> Result<ExitCode, Failed> {
    let folder = std::env::temp_dir().join(format!("crash-points-{}", std::process::id()));
    let mut trial = Trial { depth: Depth::All, ..Trial::new(std::env::current_exe()?, folder) };
    let (mut json, mut whole, mut kills, mut times) = (None, true, Vec::new(), 1);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--edges" => trial.depth = Depth::Edges,
            "--all" => trial.depth = Depth::All,
            "--pairs" => trial.depth = Depth::Pairs,
            "--store" => {
                let name = value()?;
                trial.stores = StoreKind::ALL.into_iter().filter(|store| store.to_string() == *name).collect();
                whole = false;
            }
            "--case" => {
                let name = value()?;
                trial.cases = CASES.iter().filter(|case| case.name.contains(name.as_str())).collect();
                whole = false;
            }
            "--kill" => kills.push(kill(value()?)?),
            "--times" => times = value()?.parse()?,
            "--minutes" => trial.within = Some(Duration::from_mins(value()?.parse()?)),
            "--seed" => trial.seed = value()?.parse()?,
            "--at-a-time" => trial.at_a_time = value()?.parse()?,
            "--json" => json = Some(PathBuf::from(value()?)),
            other => return Err(format!("{other} is no option").into()),
        }
    }
    if trial.stores.is_empty() || trial.cases.is_empty() || trial.at_a_time == 0 {
        return Err("that leaves nothing to try".into());
    }
    if !kills.is_empty() {
        trial.exactly = Some((kills, times));
        whole = false;
    }
    let report = trial.run();
    println!("{report}");
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    let good = if whole { report.is_good() } else { report.violations.is_empty() };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `POINT (N)`, as it stands in what is printed.
fn kill(text: &str) -> Result<Kill, Failed> {
    let parts = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    let (point, nth) = parts.ok_or_else(|| format!("{text} is no point with the number of times that it is passed"))?;
    Ok(Kill { point: point.trim_matches('`').to_owned(), nth: nth.parse()? })
}
