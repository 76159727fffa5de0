//! What is told of an exploration.

use super::{
    choices::Choices,
    history::{Left, Rest, Seen},
    judge::Broken,
};
use crate::{
    core::{Calls, Event},
    definition::{Definition, EdgeKind, Flow, Node},
    engine::load::read,
    machine::Answer,
    runtime::Timeline,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
};

/// What an exploration has covered.
#[derive(Debug, Clone)]
pub struct Explored {
    saga: &'static str,
    histories: usize,
    known: usize,
    turned: usize,
    faults: usize,
    turns: usize,
    enough: bool,
    ends: BTreeMap<&'static str, usize>,
    edges: usize,
    missed: Vec<String>,
}

impl Explored {
    /// How many histories were run.
    pub fn histories(&self) -> usize {
        self.histories
    }

    /// Whether every history within the bounds was run: not, if there were more than was allowed.
    pub fn is_exhaustive(&self) -> bool {
        self.enough
    }

    /// The edges of the saga's graph that no history took, e.g. the refusal of a step that was never refused.
    pub fn missed(&self) -> &[String] {
        &self.missed
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { saga, histories, faults, turns, known, turned, edges, .. } = self;
        writeln!(
            f,
            "saga `{saga}`: {histories} histories with at most {faults} faults and {turns} turns, no promise broken"
        )?;
        for (end, count) in &self.ends {
            writeln!(f, "  {count:>7} {end}")?;
        }
        writeln!(f, "  {known:>7} left where everything was as in an earlier one")?;
        writeln!(f, "  {turned:>7} left after more turns than that")?;
        let taken = edges - self.missed.len();
        write!(f, "edges: {taken} of {edges} taken")?;
        if !self.missed.is_empty() {
            write!(f, ", and not")?;
        }
        for edge in &self.missed {
            write!(f, "\n  {edge}")?;
        }
        if !self.enough {
            write!(
                f,
                "\nthere are more histories than were to be run: `.at_most(..)`, or fewer `.faults(..)` or `.turns(..)`"
            )?;
        }
        Ok(())
    }
}

/// A history that broke a promise. It prints what happened, and how to run it again.
#[derive(Clone)]
pub struct Counterexample(Box<Found>);

#[derive(Clone)]
struct Found {
    saga: &'static str,
    broken: Broken,
    history: String,
    told: Vec<String>,
    rest: Rest,
    timeline: Option<Timeline>,
}

impl Counterexample {
    pub(super) fn new(saga: &'static str, broken: Broken, choices: &Choices, seen: Seen) -> Self {
        let told = choices.told().map(|made| format!("{}: {}", made.at, made.way().what)).collect();
        let (rest, timeline) = (seen.rest, seen.timeline);
        let own = choices.to_string();
        let history = broken.against.as_ref().map_or(own.clone(), |against| format!("{against}+{own}"));
        Self(Box::new(Found { saga, broken, history, told, rest, timeline }))
    }

    /// The promise that it breaks.
    pub fn promise(&self) -> &str {
        &self.0.broken.promise
    }

    /// What [`replay`](super::Explore::replay) takes to run it again.
    pub fn history(&self) -> &str {
        &self.0.history
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { saga, broken: Broken { promise, what, .. }, history, told, rest, timeline } = &*self.0;
        writeln!(f, "saga `{saga}` breaks a promise: {promise}\n{}\n", what.trim_end())?;
        if told.is_empty() {
            writeln!(f, "nothing went wrong before")?;
        } else {
            writeln!(f, "what went otherwise than well:")?;
        }
        for (number, told) in told.iter().enumerate() {
            writeln!(f, "  {}. {told}", number + 1)?;
        }
        if let Rest::Parked(why) = rest {
            writeln!(f, "in the end it is parked: {why}")?;
        }
        if let Some(timeline) = timeline {
            writeln!(f, "\n{timeline}")?;
        }
        write!(f, "\nthis history again: explore(..).replay(\"{history}\").run()")
    }
}

/// As it is told: it is what a test that returns it, or unwraps it, prints.
impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Counterexample {}

/// What was covered so far.
pub(super) struct Coverage {
    definition: &'static Definition,
    pub(super) histories: usize,
    pub(super) enough: bool,
    faults: usize,
    turns: usize,
    known: usize,
    turned: usize,
    ends: BTreeMap<&'static str, usize>,
    /// Flow and index of the edges that were taken.
    taken: BTreeSet<(usize, usize)>,
}

impl Coverage {
    pub(super) fn of(definition: &'static Definition, faults: usize, turns: usize) -> Self {
        Self {
            definition,
            histories: 0,
            enough: true,
            faults,
            turns,
            known: 0,
            turned: 0,
            ends: BTreeMap::new(),
            taken: BTreeSet::new(),
        }
    }

    /// A history has been run.
    pub(super) fn add(&mut self, seen: &Seen, left: Option<Left>) {
        self.histories += 1;
        match left {
            Some(Left::Known) => self.known += 1,
            Some(Left::Turns) => self.turned += 1,
            None => *self.ends.entry(end(seen)).or_default() += 1,
        }
        self.walk(seen);
    }

    /// Marks the edges that its journal took.
    fn walk(&mut self, seen: &Seen) {
        let mut strands: HashMap<Box<str>, Strand> = HashMap::from([(Box::from(""), Strand::default())]);
        for row in &seen.rows {
            let Ok(event) = read(row) else { return };
            let (path, event) = event.unwrapped();
            match event {
                Event::Called(called) => {
                    if let Some(strand) = strands.get_mut(path) {
                        self.step(strand, To::State(&called.state));
                        strand.at = Some(called.state.as_ref().into());
                        strand.failed = false;
                    }
                    if let Calls::Flow(name, _) = &called.calls {
                        let flow = self.definition.flows.iter().position(|flow| flow.name == &**name);
                        let beneath = called.at(row.seq).path(path, None);
                        if let Some(strand) = strands.get_mut(path) {
                            strand.inner = Some(beneath.clone());
                        }
                        strands.insert(beneath, Strand { flow: flow.unwrap_or(0), ..Strand::default() });
                    }
                }
                Event::Answered { answer } | Event::Doubted { then: answer, .. } => {
                    let Some(strand) = strands.get_mut(path) else { continue };
                    strand.failed =
                        matches!(answer, Answer::Refused(_) | Answer::Exhausted { .. } | Answer::Branch { .. });
                    let end = if strand.failed { Node::Unwinds } else { Node::Completed };
                    let inner = strand.inner.take();
                    if let Some(inner) = inner.and_then(|inner| strands.remove(&inner)) {
                        self.step(&inner, To::Node(end));
                    }
                }
                Event::Completed { .. } => {
                    if let Some(strand) = strands.get("") {
                        self.step(strand, To::Node(Node::Completed));
                    }
                }
                Event::Unwinding { cause, .. } => {
                    let gave_up = matches!(
                        cause,
                        crate::core::UnwindCause::Refused(_) | crate::core::UnwindCause::Exhausted { .. }
                    );
                    if let Some(strand) = strands.get("").filter(|_| gave_up) {
                        self.step(strand, To::Node(Node::Unwinds));
                    }
                }
                _ => {}
            }
        }
    }

    /// A strand went from its last call to this one: over the decisions in between.
    fn step(&mut self, strand: &Strand, to: To<'_>) {
        let Some(flow) = self.definition.flows.get(strand.flow) else { return };
        let is = |node: &Node, state: &str| matches!(node, Node::Call(index) if flow.states[*index].name == state);
        let starts = |node: &Node| match &strand.at {
            None => *node == Node::Start,
            Some(state) => is(node, state),
        };
        let Some(from) = flow.nodes.iter().position(starts) else { return };
        let ends = |node: &Node| match to {
            To::State(state) => is(node, state),
            To::Node(wanted) => *node == wanted,
        };
        for edge in shortest(flow, from, strand.failed, ends) {
            self.taken.insert((strand.flow, edge));
        }
    }

    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for (index, flow) in self.definition.flows.iter().enumerate() {
            for (number, edge) in flow.edges.iter().enumerate() {
                if !self.taken.contains(&(index, number)) {
                    let label = match (edge.label, edge.kind) {
                        ("", EdgeKind::Refused) => " (refused)".to_owned(),
                        ("", _) => String::new(),
                        (label, _) => format!(" ({label})"),
                    };
                    let (from, to) = (name(flow, edge.from), name(flow, edge.to));
                    let within = if index == 0 { String::new() } else { format!("in `{}`: ", flow.name) };
                    missed.push(format!("{within}{from} -> {to}{label}"));
                }
            }
        }
        missed
    }
}

impl From<Coverage> for Explored {
    fn from(coverage: Coverage) -> Self {
        let missed = coverage.missed();
        let Coverage { definition, histories, enough, faults, turns, known, turned, ends, .. } = coverage;
        let edges = definition.flows.iter().map(|flow| flow.edges.len()).sum();
        Self { saga: definition.name, histories, known, turned, faults, turns, enough, ends, edges, missed }
    }
}

/// Where a strand of the journal stands.
#[derive(Debug, Default)]
struct Strand {
    flow: usize,
    at: Option<Box<str>>,
    /// Whether its last call failed.
    failed: bool,
    /// The strand of the inner flow that it has called.
    inner: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy)]
enum To<'a> {
    State(&'a str),
    Node(Node),
}

/// The edges of the shortest way over decisions and loops, without another call.
fn shortest(flow: &Flow, from: usize, failed: bool, ends: impl Fn(&Node) -> bool) -> Vec<usize> {
    let mut ways = VecDeque::from([(from, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((node, way)) = ways.pop_front() {
        for (index, edge) in flow.edges.iter().enumerate().filter(|(_, edge)| edge.from == node) {
            // A call that failed leaves by the ways of failure, where it has some.
            let refused = edge.kind == EdgeKind::Refused;
            let has_refused = || flow.edges.iter().any(|edge| edge.from == node && edge.kind == EdgeKind::Refused);
            if way.is_empty() && refused != (failed && has_refused()) {
                continue;
            }
            let mut way = way.clone();
            way.push(index);
            if ends(&flow.nodes[edge.to]) {
                return way;
            }
            if matches!(flow.nodes[edge.to], Node::Branch(_) | Node::Loop(_)) && seen.insert(edge.to) {
                ways.push_back((edge.to, way));
            }
        }
    }
    Vec::new()
}

fn name(flow: &Flow, node: usize) -> String {
    match flow.nodes[node] {
        Node::Start => "start".to_owned(),
        Node::Call(state) => format!("`{}`", flow.states[state].name),
        Node::Branch(condition) | Node::Loop(condition) => format!("`{condition}`"),
        Node::Completed => "completed".to_owned(),
        Node::Unwinds => "unwinds".to_owned(),
    }
}

fn end(seen: &Seen) -> &'static str {
    match super::judge::ending(seen) {
        super::Ending::Completed => "completed",
        super::Ending::Compensated => "compensated",
        super::Ending::Parked => "parked for somebody",
        super::Ending::Waits => "waiting for what did not come",
    }
}
