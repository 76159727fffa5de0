//! What a saga adds to a build.
//!
//! The programs are written into a scratch project below `target`, whose dependencies are built once. From then on each of them
//! is given to the compiler with the very command that `cargo check` gave it, all of them in turn, so that a machine that is
//! slow for a while is slow for all.

mod options;
mod project;
mod rustc;
mod source;
mod table;

use options::Options;
use project::Project;
use rustc::Measured;
use source::{Program, Shape, Way};

pub(crate) use rustc::as_wrapper;

/// One program, and what was measured of it.
struct Subject {
    program: Program,
    /// Its lines once all macros are expanded.
    lines: usize,
    /// Checked for the first time.
    first: Vec<Measured>,
    /// Checked again after one line of one step was changed.
    again: Vec<Measured>,
}

/// Measures, and prints the tables.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let options = Options::parse(words)?;
    let project = Project::write(&options)?;
    let rustc = project.build()?;
    let mut subjects = Vec::new();
    for program in programs(&options) {
        eprintln!("{} steps, {}, {}", program.steps, program.shape.name(), program.way.name());
        let lines = rustc.expanded_lines(program)?;
        // Not counted: whatever is slow only once is behind us, and what follows has a previous check to begin from.
        rustc.check_again(program, 0)?;
        subjects.push(Subject { program, lines, first: Vec::new(), again: Vec::new() });
    }
    for run in 1..=options.runs {
        eprintln!("run {run} of {}", options.runs);
        for subject in &mut subjects {
            subject.first.push(rustc.check_first(subject.program)?);
            subject.again.push(rustc.check_again(subject.program, run)?);
        }
    }
    print!("{}", table::all(&subjects, &options, &rustc.machine()));
    Ok(())
}

/// What is compared. Loops and joins are the flow's own: to the other macros it is all the same in which order steps run.
fn programs(options: &Options) -> Vec<Program> {
    let mut programs = Vec::new();
    for &steps in &options.steps {
        for way in Way::ALL.into_iter().filter(|&way| options.has(way)) {
            programs.push(Program { steps, shape: Shape::Straight, way });
        }
        for way in [Way::Plain, Way::Saga, Way::TimedSaga] {
            programs.push(Program { steps, shape: Shape::LoopAndJoin, way });
        }
    }
    programs
}
