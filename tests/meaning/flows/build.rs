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

/// The seeds in a file, one in each line.
fn seeds_in(path: &str) -> Result<Vec<u64>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::parse).collect::<Result<_, _>>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cases.txt");
    let (first, count) = (number("SAGA_MEANING_SEED", 1)?, number("SAGA_MEANING_FLOWS", 520)?);
    println!("cargo::rerun-if-changed=open.txt");
    let open = seeds_in("open.txt")?;
    let mut seeds: Vec<u64> = (first..first + count).chain(seeds_in("cases.txt")?).chain(open.clone()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    for part in 0..PARTS {
        let mut out = String::new();
        for seed in seeds.iter().copied().filter(|seed| seed % PARTS == part) {
            let program = generate(seed);
            let children: Vec<String> = (0..program.sagas.len()).map(|saga| format!("Saga{saga}")).collect();
            writeln!(out, "mod seed_{seed} {{\nuse super::*;\n{}", print(&program))?;
            let word = if open.contains(&seed) { "open " } else { "" };
            writeln!(out, "subject!({word}{seed} {});\n}}", children.join(" "))?;
        }
        fs::write(Path::new(&env::var("OUT_DIR")?).join(format!("part{part}.rs")), out)?;
    }
    Ok(())
}
