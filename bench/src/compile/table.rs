//! What was measured, as tables for the documentation.

use super::{
    Subject,
    options::Options,
    rustc::Measured,
    source::{Program, Shape, Way},
};
use crate::{
    median::median,
    stats::{Spread, Unit},
    table::aligned,
};
use std::{fmt::Write as _, time::Duration};

const HEAD: [&str; 9] = [
    "steps",
    "",
    "check",
    "of the processor",
    "adds",
    "check after an edit, of the processor",
    "adds",
    "lines expanded",
    "the macro itself",
];

/// All of them.
pub(crate) fn all(subjects: &[Subject], options: &Options, machine: &str) -> String {
    let mut text = format!("{machine}; {} rounds; medians, and the ends in parentheses.\n", options.runs);
    for shape in [Shape::Straight, Shape::LoopAndJoin] {
        let of_shape = subjects.iter().filter(|subject| subject.program.shape == shape);
        let rows =
            of_shape.filter(|subject| subject.program.way != Way::TimedSaga).map(|subject| row(subjects, subject));
        let _ = writeln!(text, "\nSteps {}:\n", shape.name());
        text.push_str(&aligned(&HEAD.map(str::to_owned), &rows.collect::<Vec<_>>()));
    }
    text
}

fn row(subjects: &[Subject], subject: &Subject) -> [String; 9] {
    let Program { steps, way, .. } = subject.program;
    let plain = of_way(subjects, subject.program, Way::Plain).filter(|_| way != Way::Plain);
    let lines = match plain {
        Some(plain) => format!("{} ({:+})", subject.lines, subject.lines.cast_signed() - plain.lines.cast_signed()),
        None => subject.lines.to_string(),
    };
    [
        steps.to_string(),
        way.name().to_owned(),
        spread(subject.first.iter().map(|measured| measured.wall)),
        time(&subject.first, |measured| measured.cpu),
        plain.map(|plain| adds(&subject.first, &plain.first)).unwrap_or_default(),
        time(&subject.again, Measured::own),
        plain.map(|plain| adds(&subject.again, &plain.again)).unwrap_or_default(),
        lines,
        if way == Way::Saga { itself(subjects, subject.program) } else { String::new() },
    ]
}

/// What the macro takes of it.
fn itself(subjects: &[Subject], program: Program) -> String {
    let timed = of_way(subjects, program, Way::TimedSaga);
    let measured = timed.into_iter().flat_map(|timed| timed.first.iter().chain(&timed.again));
    spread(measured.filter_map(|measured| measured.expansion))
}

/// The same program, said in another way.
fn of_way(subjects: &[Subject], program: Program, way: Way) -> Option<&Subject> {
    subjects.iter().find(|subject| subject.program == Program { way, ..program })
}

fn spread(times: impl Iterator<Item = Duration>) -> String {
    Spread::of(times).map(|spread| spread.to_string()).unwrap_or_default()
}

fn time(measured: &[Measured], what: impl Fn(&Measured) -> Option<Duration>) -> String {
    let times = measured.iter().filter_map(what).map(|time| time.as_secs_f64());
    median(times).map(|time| Unit::of(time).say(time)).unwrap_or_default()
}

/// By how much it takes longer, of its own time: the median of what each round says, since what one round compares was
/// measured within seconds.
fn adds(own: &[Measured], plain: &[Measured]) -> String {
    let pairs = || own.iter().zip(plain).filter_map(|(own, plain)| Some((seconds(own)?, seconds(plain)?)));
    let more = median(pairs().map(|(own, plain)| own - plain));
    let times = median(pairs().map(|(own, plain)| own / plain));
    more.zip(times).map(|(more, times)| format!("{more:+.2} s, ×{times:.1}")).unwrap_or_default()
}

fn seconds(measured: &Measured) -> Option<f64> {
    measured.own().map(|time| time.as_secs_f64())
}
