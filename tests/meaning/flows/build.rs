//! Writes the flows: so many, from a seed on, in so many parts as there are test programs, and the cases.

use saga_meaning::{generate::generate, print::print};
use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// How many test programs there are: `tests/part0.rs` and so on.
const PARTS: u64 = 4;

fn number(name: &str, default: u64) -> Result<u64, Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={name}");
    match env::var(name) {
        Ok(text) => text.parse().map_err(|error| format!("{name} is not a number: {error}").into()),
        Err(_) => Ok(default),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cases.txt");
    let (first, count) = (number("SAGA_MEANING_SEED", 1)?, number("SAGA_MEANING_FLOWS", 520)?);
    let cases = fs::read_to_string("cases.txt")?;
    let cases = cases
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    let mut seeds: Vec<u64> = (first..first + count).chain(cases).collect();
    seeds.sort_unstable();
    seeds.dedup();
    for part in 0..PARTS {
        let mut out = String::new();
        for seed in seeds.iter().copied().filter(|seed| seed % PARTS == part) {
            let program = generate(seed);
            let children: Vec<String> = (0..program.sagas.len()).map(|saga| format!("Saga{saga}")).collect();
            writeln!(out, "mod seed_{seed} {{\nuse super::*;\n{}", print(&program))?;
            writeln!(out, "subject!({seed} {});\n}}", children.join(" "))?;
        }
        fs::write(Path::new(&env::var("OUT_DIR")?).join(format!("part{part}.rs")), out)?;
    }
    Ok(())
}
