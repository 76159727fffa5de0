//! The long form: `cargo run --release -p saga-model -- --workers 3`. `--help` says what else it takes.

use saga_model::{Found, Mistake, World};
use serde_json::Value;
use std::process::ExitCode;

const HELP: &str = "\
Searches every state of the protocol by which workers share instances, and ends with 1 if a property is violated.

  --workers N      workers (2)
  --instances N    instances (2)
  --pauses N       how often a worker stands still beyond its lease (1)
  --crashes N      how often one crashes; fewer than there are workers (1)
  --cancels N      how many instances are cancelled (1)
  --recoveries N   after so many without progress an instance is parked (3)
  --mistakes       instead: plants each mistake, and ends with 1 if one is not found
  --json FILE      writes what was found there as well";

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)) {
        Ok(Some(asked)) => asked.answer(),
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

struct Asked {
    world: World,
    mistakes: bool,
    json: Option<String>,
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Option<Asked>, String> {
    let mut asked = Asked { world: World::default(), mistakes: false, json: None };
    while let Some(word) = words.next() {
        match &*word {
            "--help" => return Ok(None),
            "--mistakes" => {
                asked.mistakes = true;
                continue;
            }
            _ => {}
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let world = &mut asked.world;
        let number = match &*word {
            "--json" => {
                asked.json = Some(value);
                continue;
            }
            "--workers" => &mut world.workers,
            "--instances" => &mut world.instances,
            "--pauses" => &mut world.pauses,
            "--crashes" => &mut world.crashes,
            "--cancels" => &mut world.cancels,
            "--recoveries" => &mut world.recoveries,
            _ => return Err(format!("{word} is not known")),
        };
        *number = value.parse().map_err(|_| format!("{word} {value}: not a small number"))?;
    }
    let world = &asked.world;
    if world.workers == 0 || world.instances == 0 || world.crashes >= world.workers {
        return Err("there have to be instances, and more workers than crashes".into());
    }
    Ok(Some(asked))
}

impl Asked {
    fn answer(self) -> ExitCode {
        let (found, well) = if self.mistakes {
            let found: Vec<Found> = Mistake::ALL.map(|mistake| mistake.world().search()).into();
            let well = found.iter().all(|found| !found.holds());
            (found, well)
        } else {
            let found = self.world.search();
            let well = found.holds();
            (vec![found], well)
        };
        for found in &found {
            println!("{found}");
        }
        if let Some(file) = self.json {
            let all: Value = found.iter().map(Found::to_json).collect();
            if let Err(error) = std::fs::write(&file, format!("{all:#}\n")) {
                eprintln!("error: {file}: {error}");
                return ExitCode::from(2);
            }
        }
        if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
