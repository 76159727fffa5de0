//! Runs the stages and says how it went.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::stage::{Failure, Stage};

/// A stage that passed.
struct Passed {
    name: &'static str,
    took: Duration,
    said: String,
}

/// Runs the stages in order up to the first that fails; the exit status says whether all passed.
pub(crate) fn run(stages: &[&'static Stage]) -> ExitCode {
    let begun = Instant::now();
    let mut passed: Vec<Passed> = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        println!("\n=== {} ({} of {}): {} ===", stage.name, index + 1, stages.len(), stage.about);
        let started = Instant::now();
        match (stage.run)() {
            Ok(said) => {
                let took = started.elapsed();
                println!("--- {} passed in {}", stage.name, seconds(took));
                passed.push(Passed { name: stage.name, took, said });
            }
            Err(failure) => {
                // Everything goes to one stream: on two, the order of what is said would be a matter of luck.
                println!("\n{}", table(&passed));
                println!("{}", report(stage, &failure, started.elapsed(), &stages[index + 1..]));
                return ExitCode::FAILURE;
            }
        }
    }
    println!("\n{}", table(&passed));
    let all = if stages.len() == crate::stage::ALL.len() { "every check passed" } else { "what was asked for passed" };
    println!("{all}, in {}", seconds(begun.elapsed()));
    ExitCode::SUCCESS
}

fn table(passed: &[Passed]) -> String {
    let mut text = String::from("=== summary ===");
    for Passed { name, took, said } in passed {
        let line = format!("  passed  {name:<10}{:>10}  {said}", seconds(*took));
        text.push('\n');
        text.push_str(line.trim_end());
    }
    text
}

fn report(stage: &Stage, failure: &Failure, took: Duration, left: &[&'static Stage]) -> String {
    let again = match &failure.again {
        Some(line) => format!("the command:  {line}\n"),
        None => String::new(),
    };
    let not_run = match left {
        [] => String::new(),
        left => {
            let names: Vec<&str> = left.iter().map(|stage| stage.name).collect();
            format!("\nnot run:      {}", names.join(", "))
        }
    };
    format!(
        "  FAILED  {name:<10}{took:>10}\n\n{why}\n\n{again}this stage:   cargo xtask test --only {name}{not_run}",
        name = stage.name,
        took = seconds(took),
        why = failure.why,
    )
}

fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole < 60 { format!("{:.1} s", took.as_secs_f64()) } else { format!("{} min {:02} s", whole / 60, whole % 60) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Passed, report, seconds, table};
    use crate::stage::{ALL, Failure};

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(187)), "3 min 07 s");
    }

    #[test]
    fn the_table_has_a_line_for_each_stage_that_passed() {
        let passed = [
            Passed { name: "format", took: Duration::from_millis(400), said: String::new() },
            Passed { name: "test", took: Duration::from_secs(61), said: "7 tests passed".to_owned() },
        ];
        assert_eq!(
            table(&passed),
            "=== summary ===\n  passed  format         0.4 s\n  passed  test      1 min 01 s  7 tests passed"
        );
    }

    #[test]
    fn a_failure_says_what_to_type_and_what_was_not_run() {
        let failure = Failure { why: "it is not so".to_owned(), again: Some("cargo fmt --check".to_owned()) };
        let left: Vec<_> = ALL.iter().skip(6).collect();
        let text = report(&ALL[1], &failure, Duration::from_secs(1), &left);
        assert!(text.contains("it is not so"), "{text}");
        assert!(text.contains("the command:  cargo fmt --check"), "{text}");
        assert!(text.contains("this stage:   cargo xtask test --only format"), "{text}");
        assert!(text.ends_with("not run:      docs, simulate, test"), "{text}");
    }
}
