//! What stands for each node of a flow's graph: its form and its words, and what undoes it.

use super::{
    shape::{Form, Shape, Words},
    text::{clipped, one_line},
};
use crate::definition::{Branch, Child, ChildKind, Class, Definition, Flow, Node, State, Step, Work};

const NAME_MOST: usize = 30;
const CONDITION_MOST: usize = 30;

/// One of a definition's flows, to be drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'d> {
    pub(super) definition: &'d Definition,
    pub(super) flow: &'d Flow,
    /// Whether it is called by another flow.
    pub(super) is_inner: bool,
}

impl<'d> View<'d> {
    /// Every flow that is drawn: the main one first.
    pub(super) fn all(definition: &'d Definition) -> Vec<Self> {
        let inner = definition.flows.iter().skip(1).map(|flow| Self { definition, flow, is_inner: true });
        std::iter::once(Self { definition, flow: definition.main(), is_inner: false }).chain(inner).collect()
    }

    /// The shape of a node of the graph.
    pub(super) fn shape(&self, node: Node) -> Shape {
        match node {
            Node::Start => terminal("start", self.flow.docs),
            Node::Completed if self.is_inner => terminal("returns", "the flow that called it goes on"),
            Node::Completed => terminal("completed", ""),
            Node::Unwinds => self.end_of_undo(),
            Node::Branch(condition) => decision(Form::Diamond, condition),
            Node::Loop(header) => decision(Form::Hexagon, header),
            // A definition made by hand may name what is not there; a drawing is no place to fail.
            Node::Call(state) => self.call(state).unwrap_or_else(|| terminal("?", "")),
        }
    }

    /// The end of the undo lane.
    pub(super) fn end_of_undo(&self) -> Shape {
        if self.is_inner {
            let full = "what it completed has been undone, in reverse order of completion; then its caller is told";
            return terminal("refused", full);
        }
        terminal("compensated", "everything that completed has been undone, in reverse order of completion")
    }

    /// What undoes the work at this node, if anything does.
    pub(super) fn undo(&self, node: Node, in_loop: bool) -> Option<Shape> {
        match self.state(node)?.work {
            Work::Step(step) => self.undo_of_step(step, in_loop),
            Work::Flow(flow) => self.undo_of_flow(flow, in_loop),
            Work::Each(branch) => {
                let undo = self.undo_of_branch(branch, true)?;
                Some(Shape { stacked: true, ..undo })
            }
            Work::Join(branches) => {
                let mut parts: Vec<Shape> =
                    branches.iter().filter_map(|branch| self.undo_of_branch(*branch, in_loop)).collect();
                if parts.len() < 2 {
                    return parts.pop();
                }
                let words = vec![Words::prose("each on its own", 10)];
                let full = "the branches are undone independently of each other".to_owned();
                Some(Shape { parts, ..Shape::new(Form::UndoJoin, words, full) })
            }
            Work::Child(child) => {
                let child = self.definition.children.get(child)?;
                (child.kind == ChildKind::Compensatable)
                    .then(|| undo((child.definition)().name, "undone as a whole".to_owned(), ""))
            }
            Work::Sleep | Work::Wait(_) | Work::Send => None,
        }
    }

    /// Each branch of the join at this node, with what undoes it.
    pub(super) fn branches(&self, node: Node) -> Vec<(Shape, Option<Shape>)> {
        let Some(State { work: Work::Join(branches), .. }) = self.state(node) else { return Vec::new() };
        branches.iter().map(|branch| (self.branch(*branch), self.undo_of_branch(*branch, false))).collect()
    }

    /// Whether a refusal of this node is told only once what it had completed is undone: what undoes it comes first.
    pub(super) fn is_scope(&self, node: Node) -> bool {
        self.state(node).is_some_and(|state| matches!(state.work, Work::Join(_) | Work::Each(_)))
    }

    /// Whether the saga cannot go back once the work at this node is done.
    pub(super) fn is_pivot(&self, node: Node) -> bool {
        matches!(node, Node::Call(_)) && self.shape(node).is_pivot()
    }

    fn state(&self, node: Node) -> Option<&'d State> {
        let Node::Call(state) = node else { return None };
        self.flow.states.get(state)
    }

    fn call(&self, state: usize) -> Option<Shape> {
        let state = self.flow.states.get(state)?;
        match state.work {
            Work::Step(step) => Some(of_step(self.definition.steps.get(step)?, state.name, "")),
            Work::Flow(flow) => Some(of_flow(self.definition.flows.get(flow)?, state.name, "")),
            Work::Each(branch) => {
                let each = match branch {
                    Branch::Step(step) => of_step(self.definition.steps.get(step)?, state.name, "for each · "),
                    Branch::Flow(flow) => of_flow(self.definition.flows.get(flow)?, state.name, "for each · "),
                };
                Some(Shape { stacked: true, ..each })
            }
            Work::Join(branches) => {
                let words = vec![Words::prose(format!("{} · at the same time", clipped(state.name, NAME_MOST)), 11)];
                let parts = branches.iter().map(|branch| self.branch(*branch)).collect();
                Some(Shape { parts, ..Shape::new(Form::Join, words, String::new()) })
            }
            Work::Sleep => {
                // A sleep that has no name of its own is called what it is.
                let says = if state.name == "sleep" { "until a moment" } else { "sleep" };
                Some(Shape::new(Form::Sleep, vec![name(state), Words::prose(says, 11)], String::new()))
            }
            Work::Wait(signals) => Some(self.wait(state, signals)),
            Work::Child(child) => Some(child_saga(state, self.definition.children.get(child)?)),
            Work::Send => {
                let words = vec![name(state), Words::prose("send a signal", 11)];
                let leads_to = Some("another saga".to_owned());
                Some(Shape { leads_to, ..Shape::new(Form::Outgoing, words, String::new()) })
            }
        }
    }

    fn branch(&self, branch: Branch) -> Shape {
        let shape = match branch {
            Branch::Step(step) => self.definition.steps.get(step).map(|step| of_step(step, step.name, "")),
            Branch::Flow(flow) => self.definition.flows.get(flow).map(|flow| of_flow(flow, flow.name, "")),
        };
        shape.unwrap_or_else(|| terminal("?", ""))
    }

    fn wait(&self, state: &State, signals: &[usize]) -> Shape {
        let signals: Vec<_> = signals.iter().filter_map(|&signal| self.definition.signals.get(signal)).collect();
        let mut words = vec![name(state)];
        match &*signals {
            [only] if only.name == state.name => words.push(Words::prose("wait for this signal", 11)),
            _ => {
                let says = if signals.len() == 1 { "wait for" } else { "wait for the first of" };
                words.push(Words::prose(says, 11));
                words.extend(signals.iter().map(|signal| Words::code(signal.name, NAME_MOST, 12, false)));
            }
        }
        let told = signals.iter().filter(|signal| !signal.docs.is_empty());
        let full: Vec<String> = told.map(|signal| one_line(&format!("{}: {}", signal.name, signal.docs))).collect();
        Shape::new(Form::Wait, words, full.join("; "))
    }

    fn undo_of_branch(&self, branch: Branch, each: bool) -> Option<Shape> {
        match branch {
            Branch::Step(step) => self.undo_of_step(step, each),
            Branch::Flow(flow) => self.undo_of_flow(flow, each),
        }
    }

    fn undo_of_step(&self, step: usize, each: bool) -> Option<Shape> {
        let step = self.definition.steps.get(step)?;
        let compensation = step.compensation.as_ref()?;
        let verb = if each { "undoes each " } else { "undoes " };
        Some(undo(compensation.name, format!("{verb}{}", clipped(step.name, NAME_MOST)), compensation.docs))
    }

    fn undo_of_flow(&self, flow: usize, each: bool) -> Option<Shape> {
        let called = self.definition.flows.get(flow)?;
        self.leaves_undo(flow, &mut Vec::new()).then(|| {
            let full = "what it completed is undone, in reverse order of completion";
            let says = if each { "undo what each did" } else { "undo what it did" };
            undo(called.name, says.to_owned(), full)
        })
    }

    /// Whether anything that this flow does can be undone, or that a flow does which it calls.
    fn leaves_undo(&self, flow: usize, seen: &mut Vec<usize>) -> bool {
        if seen.contains(&flow) {
            return false;
        }
        seen.push(flow);
        let branch = |branch: Branch, seen: &mut Vec<usize>| match branch {
            Branch::Step(step) => self.definition.steps.get(step).is_some_and(|step| step.compensation.is_some()),
            Branch::Flow(flow) => self.leaves_undo(flow, seen),
        };
        let states = self.definition.flows.get(flow).map_or(&[][..], |flow| flow.states);
        states.iter().any(|state| match state.work {
            Work::Step(step) => branch(Branch::Step(step), seen),
            Work::Flow(flow) => branch(Branch::Flow(flow), seen),
            Work::Each(each) => branch(each, seen),
            Work::Join(branches) => branches.iter().any(|each| branch(*each, seen)),
            Work::Child(child) => {
                self.definition.children.get(child).is_some_and(|child| child.kind == ChildKind::Compensatable)
            }
            Work::Sleep | Work::Wait(_) | Work::Send => false,
        })
    }
}

fn name(state: &State) -> Words {
    Words::code(state.name, NAME_MOST, 13, true)
}

fn terminal(text: &str, full: &str) -> Shape {
    Shape::new(Form::Terminal, vec![Words::prose(text, 13)], one_line(full))
}

fn decision(form: Form, code: &str) -> Shape {
    Shape::new(form, vec![Words::code(code, CONDITION_MOST, 11, false)], one_line(code))
}

fn undo(of: &str, says: String, full: &str) -> Shape {
    Shape::new(Form::Undo, vec![Words::code(of, NAME_MOST, 12, true), Words::prose(says, 10)], one_line(full))
}

/// A call of a step, under the state's name; what comes before its class says how often.
fn of_step(step: &Step, state: &str, how: &str) -> Shape {
    let docs = one_line(step.docs);
    let full = match step.no_compensation {
        Some(why) if docs.is_empty() => format!("no compensation: {}", one_line(why)),
        Some(why) => format!("{docs} (no compensation: {})", one_line(why)),
        None => docs,
    };
    let policy = step.policy_name.map(|name| format!(" · policy {}", clipped(name, NAME_MOST))).unwrap_or_default();
    let within = if step.transactional { " · transaction" } else { "" };
    let says = format!("{how}{}{within}{policy}", class_words(step.class));
    called(Form::Step(step.class), (state, step.name), &says, full)
}

fn of_flow(flow: &Flow, state: &str, how: &str) -> Shape {
    called(Form::Flow, (state, flow.name), &format!("{how}inner flow"), one_line(flow.docs))
}

/// What is called in a state, whose name says it already if it is the called one's.
fn called(form: Form, (state, called): (&str, &str), says: &str, full: String) -> Shape {
    let second = if state == called { says.to_owned() } else { format!("{} · {says}", clipped(called, NAME_MOST)) };
    Shape::new(form, vec![Words::code(state, NAME_MOST, 13, true), Words::prose(second, 11)], full)
}

fn child_saga(state: &State, child: &Child) -> Shape {
    let definition = (child.definition)();
    let full = one_line(definition.main().docs);
    let (class, says) = match child.kind {
        ChildKind::Launched => {
            let launched = called(Form::Outgoing, (state.name, definition.name), "launch, do not wait", full);
            return Shape { leads_to: Some(definition.name.to_owned()), ..launched };
        }
        ChildKind::Compensatable => (Class::Compensatable, "child saga · compensatable"),
        ChildKind::Pivot => (Class::Pivot, "child saga · pivot"),
        ChildKind::Retriable => (Class::Retriable, "child saga · retriable"),
    };
    called(Form::Child(class), (state.name, definition.name), says, full)
}

/// A class as it is written for people.
pub(super) fn class_words(class: Class) -> &'static str {
    match class {
        Class::Compensatable => "compensatable",
        Class::Pivot => "pivot",
        Class::Retriable => "retriable",
        Class::ReadOnly => "read-only",
        Class::NotCompensated => "not compensated",
    }
}
