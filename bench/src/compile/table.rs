//! What was measured, as tables for the documentation.

use super::{
    Subject,
    options::Options,
    rustc::Measured,
    source::{Program, Shape, Way},
    stats::Spread,
};
use std::{fmt::Write as _, time::Duration};

/// All of them.
pub(crate) fn all(subjects: &[Subject], options: &Options) -> String {
    let mut text = String::new();
    for shape in [Shape::Straight, Shape::LoopAndJoin] {
        let _ = writeln!(text, "\nSteps {}; {} runs, medians (and the ends):\n", shape.name(), options.runs);
        text.push_str(
            "| steps | | first check | on the processor | adds | check after an edit | adds | lines expanded |\n",
        );
        text.push_str("|---|---|---|---|---|---|---|---|\n");
        for subject in subjects.iter().filter(|subject| subject.program.shape == shape) {
            if subject.program.way != Way::TimedSaga {
                row(&mut text, subject, plain(subjects, subject.program));
            }
        }
    }
    text.push_str("\nThe macro alone, within the compiler:\n\n| steps | | the macro |\n|---|---|---|\n");
    for subject in subjects.iter().filter(|subject| subject.program.way == Way::TimedSaga) {
        let expansions = subject.first.iter().chain(&subject.again).filter_map(|measured| measured.expansion);
        if let Some(expansions) = Spread::of(expansions) {
            let Program { steps, shape, .. } = subject.program;
            let _ = writeln!(text, "| {steps} | {} | {expansions} |", shape.name());
        }
    }
    text
}

fn row(text: &mut String, subject: &Subject, plain: Option<&Subject>) {
    let Program { steps, way, .. } = subject.program;
    let _ = writeln!(
        text,
        "| {steps} | {} | {} | {} | {} | {} | {} | {} |",
        way.name(),
        shown(time(&subject.first, |measured| Some(measured.wall))),
        shown(time(&subject.first, |measured| measured.cpu)),
        adds(subject, plain, |subject| &subject.first),
        shown(time(&subject.again, Measured::own)),
        adds(subject, plain, |subject| &subject.again),
        subject.lines,
    );
}

/// The same functions without a macro.
fn plain(subjects: &[Subject], of: Program) -> Option<&Subject> {
    let plain = Program { way: Way::Plain, ..of };
    subjects.iter().find(|subject| subject.program == plain && subject.program != of)
}

fn time(measured: &[Measured], what: impl Fn(&Measured) -> Option<Duration>) -> Option<Spread> {
    Spread::of(measured.iter().filter_map(what))
}

fn shown(spread: Option<Spread>) -> String {
    spread.map(|spread| spread.to_string()).unwrap_or_default()
}

/// By how much the subject takes longer, of its own time.
fn adds(subject: &Subject, plain: Option<&Subject>, of: impl Fn(&Subject) -> &[Measured]) -> String {
    let Some(plain) = plain else { return String::new() };
    let Some((own, plain)) = time(of(subject), Measured::own).zip(time(of(plain), Measured::own)) else {
        return String::new();
    };
    let (own, plain) = (own.median.as_secs_f64(), plain.median.as_secs_f64());
    format!("{:+.2} s, ×{:.1}", own - plain, own / plain)
}
