//! What a participant does at a call. It depends on nothing but the seed and what the call says, and not on when it comes.

use crate::{
    dice::Dice,
    program::{Class, Step},
};

/// The answer that a call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With this.
    Done(i64),
    /// With this.
    Refused(i64),
    /// None ever.
    Never,
}

/// What the attempts that fail leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// The first of them did it, and the answers are lost.
    Lost,
    /// They did nothing, and nobody knows.
    Unknown,
    /// They did nothing, and say so.
    Clean,
}

/// What a participant does at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// The answer.
    pub answer: Answer,
    /// So many attempts fail before it.
    pub failures: u32,
    /// What they leave behind.
    pub failing: Failing,
}

/// How often a step is attempted that gives up.
pub const ATTEMPTS: u32 = 4;

/// What a call says, in words.
pub fn label(step: &str, tag: i64, argument: &[i64]) -> String {
    format!("{step}({tag}, {argument:?})")
}

/// What is done at this call.
pub fn script(seed: u64, step: &Step, tag: i64, argument: &[i64]) -> Script {
    let mut dice = Dice::of(seed, &label(&step.name, tag, argument));
    // Some programs go well, and some do not, above all where branches run beside each other.
    let trouble = Dice::of(seed, "trouble").roll(4) * if tag > 0 { 14 } else { 8 };
    // Where the pivot is refused, there is most to undo.
    let refusing = if step.class == Class::Pivot { 35 } else { trouble };
    let failing = [Failing::Lost, Failing::Unknown, Failing::Clean][dice.index(3)];
    let done = Script { answer: Answer::Done(dice.number(30)), failures: 0, failing };
    // One attempt may be lost in a crash: then there has to be another.
    let most = u64::from(ATTEMPTS - 2);
    let failures = if dice.chance(25) { u32::try_from(1 + dice.roll(most)).unwrap_or(1) } else { 0 };
    let exhausts = step.bounded && step.class != Class::Pivot && dice.chance(trouble);
    let refuses = step.refuses && dice.chance(refusing);
    if exhausts {
        return Script { answer: Answer::Never, failures: u32::MAX, ..done };
    }
    if refuses {
        // One key, one answer: what was done is not refused later, unless it was asked for without a key.
        let failing = if failing == Failing::Lost && !step.keyless { Failing::Unknown } else { failing };
        return Script { answer: Answer::Refused(dice.number(30)), failures, failing };
    }
    Script { failures, ..done }
}

/// How often the undo of this call fails before it succeeds, and whether the first attempt does it all the same.
pub fn undo_script(seed: u64, label: &str) -> (u32, bool) {
    let mut dice = Dice::of(seed, &format!("undo {label}"));
    let failures = if dice.chance(25) { u32::try_from(1 + dice.roll(3)).unwrap_or(1) } else { 0 };
    (failures, dice.chance(50))
}
