//! What a program means: the rules of the semantics, one by one, with nothing between them and the words.
//!
//! A flow is run as it is written. What a call does is in its [`script`](crate::script); what has completed is in a log; an inner
//! flow and a join are scopes, whose logs are undone when they fail. Only one thing cannot be known from the program: which of the
//! branches of a join that fail was the first, and how far the others had come by then. A run is given
//! each choice of them in turn that what was seen leaves open.

mod calls;
mod values;

pub use self::values::{Asked, Failed, Seen, branch, first, length, mix, sum};

use self::values::{Val, locals};
use crate::{
    program::{Block, Expr, Match, Program, Source, Stmt},
    trace::{Event, Trace},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a run of a program comes to.
#[derive(Debug, Clone)]
pub struct Meaning {
    /// The value of the flow, or what it gave up for.
    pub end: Result<i64, Failed>,
    /// What happened.
    pub trace: Trace,
    /// What may have happened as well, where an attempt was lost in a crash.
    pub in_doubt: BTreeSet<Event>,
    /// How many calls there were.
    pub calls: usize,
    /// Whether a join failed.
    pub joins_failed: bool,
    /// Whether a step was exhausted, or refused in doubt.
    pub doubted: bool,
    /// How many attempts may run at a time.
    pub width: usize,
}

/// Something that is to be undone.
#[derive(Debug, Clone)]
enum Undo {
    /// A call, and the output that its undo is told.
    Call(String, Option<i64>),
    /// The branches of a join, which are independent of each other.
    Branches(Vec<Vec<Undo>>),
}

/// How calls are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are made.
    Free,
    /// They are made, and it was seen that they were.
    Strict,
    /// The join around this has failed: whatever was not seen did not begin.
    Stopped,
}

/// Why an expression has no value.
#[derive(Debug, Clone)]
enum Leave {
    Break(String, Val),
    Continue(String),
    Return(Result<i64, Failed>),
    /// The join around it has failed, and nothing begins any more.
    Stopped,
    /// This is not what happened.
    Other(String),
}

type Go<T> = Result<T, Leave>;

#[derive(Debug, Clone)]
struct Run<'p> {
    program: &'p Program,
    seen: &'p Seen,
    mode: Mode,
    /// Of the failing branches of each join, which was the first; and among how many.
    choices: Vec<(usize, usize)>,
    chosen: usize,
    /// Where it is.
    saga: usize,
    locals: BTreeMap<String, Val>,
    signals: Vec<(usize, i64)>,
    /// How often each call has been made.
    made: BTreeMap<String, usize>,
    trace: Vec<Trace>,
    log: Vec<Undo>,
    in_doubt: BTreeSet<Event>,
    calls: usize,
    /// How much more may be done before the program counts as endless.
    fuel: usize,
    joins_failed: bool,
    doubted: bool,
    width: usize,
    /// The next call is a branch of a join.
    is_branch: bool,
    /// When the last call was refused, if that was the last thing that happened.
    refused_at: Option<u64>,
    /// When the last attempt began in a branch that was stopped.
    stopped_at: u64,
}

/// What a program means if nobody looks: of the branches of a join that fail, the first in the source is the first.
///
/// # Errors
/// It does not end, or waits for what never comes.
pub fn meaning(program: &Program) -> Result<Meaning, String> {
    Run::new(program, &Seen::default(), Mode::Free, Vec::new()).meaning().0
}

/// The meaning of a program that is what was seen.
///
/// # Errors
/// There is none; why, for the first one.
pub fn meaning_of(
    program: &Program,
    seen: &Seen,
    fits: impl Fn(&Meaning) -> Result<(), String>,
) -> Result<Meaning, String> {
    let mut choices = Vec::new();
    let (mut left, mut differs) = (None, None);
    for _ in 0..5_000 {
        let (meaning, made) = Run::new(program, seen, Mode::Strict, choices).meaning();
        match meaning.map(|meaning| fits(&meaning).map(|()| meaning)) {
            Ok(Ok(meaning)) => return Ok(meaning),
            // One that comes to an end says more than one that goes another way halfway.
            Ok(Err(why)) => drop(differs.get_or_insert(why)),
            Err(why) => drop(left.get_or_insert(why)),
        }
        choices = made;
        while choices.last().is_some_and(|(choice, among)| choice + 1 == *among) {
            choices.pop();
        }
        match choices.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return Err(differs.or(left).unwrap_or_default()),
        }
    }
    Err("there are too many ways in which it could have gone".into())
}

/// What undoes this: the last first.
fn undo(log: Vec<Undo>) -> Trace {
    let undone = log.into_iter().rev().map(|entry| match entry {
        Undo::Call(call, output) => Trace::Event(Event::Undid(call, output)),
        Undo::Branches(logs) => Trace::Par(logs.into_iter().map(undo).collect()),
    });
    Trace::Seq(undone.collect())
}

impl<'p> Run<'p> {
    fn new(program: &'p Program, seen: &'p Seen, mode: Mode, choices: Vec<(usize, usize)>) -> Self {
        Self {
            program,
            seen,
            mode,
            choices,
            chosen: 0,
            saga: 0,
            locals: locals(0, 1, None),
            signals: program.signals.clone(),
            made: BTreeMap::new(),
            trace: Vec::new(),
            log: Vec::new(),
            in_doubt: BTreeSet::new(),
            calls: 0,
            fuel: 3_000,
            joins_failed: false,
            doubted: false,
            width: 0,
            is_branch: false,
            refused_at: None,
            stopped_at: 0,
        }
    }

    /// Runs it; with the choices that were made.
    fn meaning(mut self) -> (Result<Meaning, String>, Vec<(usize, usize)>) {
        let end = self.flow(0);
        let choices = std::mem::take(&mut self.choices);
        let meaning = match end {
            Ok(_) if let Some(call) = self.unexplained() => Err(format!("{call} was called")),
            Ok(end) => {
                if end.is_err() {
                    let log = std::mem::take(&mut self.log);
                    self.trace.push(undo(log));
                }
                Ok(Meaning {
                    end,
                    trace: Trace::Seq(self.trace),
                    in_doubt: self.in_doubt,
                    calls: self.calls,
                    joins_failed: self.joins_failed,
                    doubted: self.doubted,
                    width: self.width,
                })
            }
            Err(Leave::Other(why)) => Err(why),
            Err(other) => Err(format!("it leaves by {other:?}")),
        };
        (meaning, choices)
    }

    /// A call that was seen, and was not made.
    fn unexplained(&self) -> Option<&str> {
        let made = |call: &str| {
            let (label, turn) = call.rsplit_once('#').unwrap_or((call, ""));
            turn.parse::<usize>().is_ok_and(|turn| self.made.get(label).is_some_and(|made| turn < *made))
        };
        self.seen.asked.keys().map(String::as_str).find(|call| !made(call))
    }

    /// The body of a flow, with the locals that there are.
    fn flow(&mut self, flow: usize) -> Go<Result<i64, Failed>> {
        let body = &self.program.sagas[self.saga].flows[flow].body;
        match self.block(body) {
            Ok(value) => Ok(Ok(value.number())),
            Err(Leave::Return(end)) => Ok(end),
            Err(leave) => Err(leave),
        }
    }

    fn block(&mut self, block: &'p Block) -> Go<Val> {
        for stmt in &block.stmts {
            self.stmt(stmt)?;
        }
        block.value.as_ref().map_or(Ok(Val::Unit), |value| self.expr(value))
    }

    fn bind(&mut self, names: &[String], value: Val) {
        match (names, value) {
            ([name], value) => drop(self.locals.insert(name.clone(), value)),
            (names, Val::Numbers(parts)) => {
                self.locals.extend(names.iter().cloned().zip(parts.into_iter().map(Val::Number)));
            }
            _ => {}
        }
    }

    fn number(&mut self, expr: &'p Expr) -> Go<i64> {
        Ok(self.expr(expr)?.number())
    }

    fn local(&self, name: &str) -> Val {
        self.locals.get(name).cloned().unwrap_or(Val::Unit)
    }

    fn stmt(&mut self, stmt: &'p Stmt) -> Go<()> {
        match stmt {
            Stmt::Let { names, value, .. } => {
                let value = self.expr(value)?;
                self.bind(names, value);
            }
            Stmt::Later(_) => {}
            Stmt::List(name, items) => {
                let items = items.iter().map(|item| self.number(item)).collect::<Go<_>>()?;
                self.locals.insert(name.clone(), Val::Numbers(items));
            }
            Stmt::LetElse { names, answer, otherwise } => match self.expr(answer)?.answer() {
                Ok(value) => self.bind(names, value),
                Err(_) => drop(self.block(otherwise)?),
            },
            Stmt::Assign(name, value) => {
                let value = self.expr(value)?;
                self.locals.insert(name.clone(), value);
            }
            Stmt::Add(name, value) => {
                let sum = self.number(value)? + self.local(name).number();
                self.locals.insert(name.clone(), Val::Number(sum));
            }
            Stmt::Push(name, value) => {
                let value = self.number(value)?;
                let mut items = self.local(name).numbers();
                items.push(value);
                self.locals.insert(name.clone(), Val::Numbers(items));
            }
            Stmt::Do(expr) => drop(self.expr(expr)?),
        }
        Ok(())
    }

    fn expr(&mut self, expr: &'p Expr) -> Go<Val> {
        self.fuel = self.fuel.checked_sub(1).ok_or_else(|| Leave::Other("it does not end".into()))?;
        Ok(match expr {
            Expr::Number(number) => Val::Number(*number),
            Expr::Local(name) => self.local(name),
            Expr::Mix(a, b) => Val::Number(mix(self.number(a)?, self.number(b)?)),
            Expr::Sum(list) => Val::Number(sum(&self.local(list).numbers())),
            Expr::Length(list) => Val::Number(length(&self.local(list).numbers())),
            Expr::Branch(at) => Val::Number(branch(self.local("tag").number(), self.number(at)?)),
            Expr::Less(a, b) => Val::Bool(self.number(a)? < self.number(b)?),
            Expr::And(a, b) => Val::Bool(self.expr(a)?.is_true() && self.expr(b)?.is_true()),
            Expr::Or(a, b) => Val::Bool(self.expr(a)?.is_true() || self.expr(b)?.is_true()),
            Expr::Not(a) => Val::Bool(!self.expr(a)?.is_true()),
            Expr::IsOk(answer) => Val::Bool(self.expr(answer)?.answer().is_ok()),
            Expr::Await(call) => self.verb(&call.verb)?,
            Expr::Try(answer) => self.expr(answer)?.answer().map_err(|failed| Leave::Return(Err(failed)))?,
            Expr::If(cond, then, otherwise) => {
                let holds = self.expr(cond)?.is_true();
                self.block(if holds { then } else { otherwise })?
            }
            Expr::IfOk(answer, names, then, otherwise) => match self.expr(answer)?.answer() {
                Ok(value) => {
                    self.bind(names, value);
                    self.block(then)?
                }
                Err(_) => self.block(otherwise)?,
            },
            Expr::Match(node) => self.match_(node)?,
            Expr::Received(answer, arms, elapsed) => match (self.expr(answer)?, elapsed) {
                (Val::Received(None), Some(elapsed)) => self.block(elapsed)?,
                (Val::Received(Some((at, value))), _) => {
                    let (name, block) = &arms[at];
                    self.locals.insert(name.clone(), Val::Number(value));
                    self.block(block)?
                }
                (other, _) => return Err(Leave::Other(format!("{other:?} was not received"))),
            },
            Expr::Switch(value, arms) => {
                let arm = usize::try_from(self.number(value)?).unwrap_or_default() % arms.len();
                self.block(&arms[arm])?
            }
            Expr::Labelled(label, block) => match self.block(block) {
                Err(Leave::Break(to, value)) if to == *label => value,
                other => other?,
            },
            Expr::Loop(label, block) => loop {
                if let Some(value) = self.turn(label, block)? {
                    break value;
                }
            },
            Expr::While(label, cond, block) => loop {
                if !self.expr(cond)?.is_true() {
                    break Val::Unit;
                }
                if let Some(value) = self.turn(label, block)? {
                    break value;
                }
            },
            Expr::For(label, name, source, block) => {
                for item in self.items(source)? {
                    self.locals.insert(name.clone(), Val::Number(item));
                    if self.turn(label, block)?.is_some() {
                        break;
                    }
                }
                Val::Unit
            }
            Expr::Break(label, value) => {
                let value = value.as_ref().map_or(Ok(Val::Unit), |value| self.expr(value))?;
                return Err(Leave::Break(label.clone(), value));
            }
            Expr::Continue(label) => return Err(Leave::Continue(label.clone())),
            Expr::Return(value) => return Err(Leave::Return(Ok(self.number(value)?))),
            Expr::Refuse(value) => return Err(Leave::Return(Err(Failed::Refused(self.number(value)?)))),
        })
    }

    /// One turn of a loop; a value, if it was the last.
    fn turn(&mut self, label: &str, block: &'p Block) -> Go<Option<Val>> {
        self.fuel = self.fuel.checked_sub(1).ok_or_else(|| Leave::Other("it does not end".into()))?;
        match self.block(block) {
            Ok(_) => Ok(None),
            Err(Leave::Continue(to)) if to == label => Ok(None),
            Err(Leave::Break(to, value)) if to == label => Ok(Some(value)),
            Err(leave) => Err(leave),
        }
    }

    fn items(&mut self, source: &'p Source) -> Go<Vec<i64>> {
        Ok(match source {
            Source::Range(a, b) => (self.number(a)?..self.number(b)?).collect(),
            Source::Closed(a, b) => (self.number(a)?..=self.number(b)?).collect(),
            Source::Back(a, b) => (self.number(a)?..self.number(b)?).rev().collect(),
            Source::Place(list) | Source::Copy(list) => self.local(list).numbers(),
            Source::Iterator(list) => self.local(list).numbers().into_iter().rev().collect(),
        })
    }

    fn match_(&mut self, node: &'p Match) -> Go<Val> {
        let failed = match self.expr(&node.answer)?.answer() {
            Ok(value) => {
                self.bind(&node.ok.0, value);
                return self.block(&node.ok.1);
            }
            Err(failed) => failed,
        };
        match (&failed, &node.refused, &node.exhausted, &node.rest) {
            (Failed::Refused(no), Some((name, block)), ..) => {
                self.locals.insert(name.clone(), Val::Number(*no));
                self.block(block)
            }
            (Failed::Exhausted(_), _, Some(block), _) | (_, _, _, Some(block)) => self.block(block),
            _ => Err(Leave::Return(Err(failed))),
        }
    }
}
