//! The programs that are compiled: one and the same saga, of any number of steps, said in each of the ways compared.

mod flow;
mod methods;
mod restate;

use std::{cmp::Ordering, fmt::Write as _};

/// What is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// How many steps it has.
    pub(crate) steps: usize,
    /// In which order they run.
    pub(crate) shape: Shape,
    /// In which way it is said.
    pub(crate) way: Way,
}

/// In which order the steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One after the other.
    Straight,
    /// Of ten steps, one in a loop over the order's lines, and two at the same time in a join.
    LoopAndJoin,
}

/// In which way the program is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The functions, without a macro.
    Plain,
    /// The same tokens under `#[saga]`.
    Saga,
    /// The same under a copy of `#[saga]` that says how long it took.
    TimedSaga,
    /// The same methods, those of a trait under `#[async_trait]`.
    AsyncTrait,
    /// Each method is a handler of a Restate service; the flow calls them through the generated client.
    RestateHandlers,
    /// The flow is the one handler of a Restate service, and runs each plain method by `ctx.run`.
    RestateRun,
}

impl Shape {
    /// In a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Straight => "in a row",
            Self::LoopAndJoin => "with loops and joins",
        }
    }
}

impl Way {
    /// Each.
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Saga, Self::TimedSaga, Self::AsyncTrait, Self::RestateHandlers, Self::RestateRun];

    /// Whether it is compiled against `restate-sdk`.
    pub(crate) fn needs_restate(self) -> bool {
        matches!(self, Self::RestateHandlers | Self::RestateRun)
    }

    /// In a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "no macro",
            Self::Saga => "`#[saga]`",
            Self::TimedSaga => "`#[saga]`, timed",
            Self::AsyncTrait => "`#[async_trait]`",
            Self::RestateHandlers => "Restate, a handler each",
            Self::RestateRun => "Restate, `ctx.run` each",
        }
    }
}

/// A step's class, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Compensatable,
    ReadOnly,
    Pivot,
    Retriable,
}

/// How a step is called, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Alone,
    InALoop,
    /// Together with the next one.
    InAJoin,
    /// By the one before it.
    Already,
}

/// The types of what steps return, one after the other.
const OUTPUTS: [&str; 6] = ["Quote", "Hold", "Seat", "Permit", "Charge", "Parcel"];

impl Program {
    /// The whole source file.
    pub(crate) fn source(self) -> String {
        let mut source = String::from("#![allow(dead_code)]\n\n");
        source.push_str(self.imports());
        source.push_str(include_str!("shared.rs.txt"));
        for output in OUTPUTS {
            let _ = write!(source, include_str!("output.rs.txt"), output = output);
        }
        match self.way {
            Way::RestateHandlers => restate::handlers(self, &mut source),
            Way::RestateRun => restate::run(self, &mut source),
            _ => self.functions(&mut source),
        }
        source
    }

    fn imports(self) -> &'static str {
        match self.way {
            Way::Plain | Way::Saga => "use saga_runtime::prelude::*;\n",
            // Named, it goes before the one of the prelude.
            Way::TimedSaga => "use saga_runtime::prelude::*;\nuse timed_macros::saga;\n",
            Way::AsyncTrait => "use async_trait::async_trait;\nuse saga_runtime::prelude::*;\n",
            Way::RestateHandlers | Way::RestateRun => "use restate_sdk::prelude::*;\n",
        }
    }

    /// The functions of a saga, and whatever stands around them.
    fn functions(self, source: &mut String) {
        source.push_str(include_str!("refusal.rs.txt"));
        match self.way {
            Way::AsyncTrait => {
                source.push_str("#[async_trait]\ntrait Flow {\n");
                methods::write(self, source, methods::Bodies::Left);
                source.push_str("}\n\n#[async_trait]\nimpl Flow for Shop {\n");
            }
            Way::Saga | Way::TimedSaga => source.push_str("#[saga(name = \"shop\", version = 1)]\nimpl Shop {\n"),
            _ => source.push_str("impl Shop {\n"),
        }
        methods::write(self, source, methods::Bodies::Written);
        source.push_str("}\n");
    }

    /// Whether `#[saga]` reads the methods' attributes.
    fn annotated(self) -> bool {
        matches!(self.way, Way::Saga | Way::TimedSaga)
    }

    fn is_restate(self) -> bool {
        self.way.needs_restate()
    }

    /// The name of the file that it stands in.
    pub(crate) fn file_name(self) -> String {
        format!("{:?}_{:?}_{}.rs", self.way, self.shape, self.steps).to_lowercase()
    }

    /// The last fifth cannot be refused, and the pivot stands before it.
    fn class(self, step: usize) -> Class {
        match step.cmp(&self.pivot()) {
            Ordering::Greater => Class::Retriable,
            Ordering::Equal => Class::Pivot,
            Ordering::Less if step % 6 == 4 => Class::ReadOnly,
            Ordering::Less => Class::Compensatable,
        }
    }

    fn pivot(self) -> usize {
        self.steps.saturating_sub((self.steps / 5).max(1) + 1)
    }

    /// Up to the pivot, which can stand neither in a loop nor in a join.
    fn called(self, step: usize) -> Called {
        let begins = step - step % 10;
        if self.shape == Shape::Straight || begins + 2 >= self.pivot() {
            return Called::Alone;
        }
        match step - begins {
            0 => Called::InALoop,
            1 => Called::InAJoin,
            2 => Called::Already,
            _ => Called::Alone,
        }
    }

    /// What the step returns when it is done.
    fn output(step: usize) -> &'static str {
        OUTPUTS[step % OUTPUTS.len()]
    }

    /// Which earlier output a step takes by reference, if it takes one.
    fn before(step: usize) -> Option<usize> {
        (step % 3 == 2 && step >= 5).then(|| step - 3)
    }

    /// Whose outputs are needed until the end.
    fn kept(self) -> impl Iterator<Item = usize> {
        (0..self.steps).step_by(10)
    }
}
