//! The lowered flow: blocks of plain code that end in a call, in another block, or in the end of the flow.

use super::bindings::BindingId;
use crate::model::{Callee, Class, Model, Refusable};
use proc_macro2::{Ident, Span};
use syn::{Attribute, Expr, ExprMethodCall, Item, Local, Pat, Stmt, Token, Type, token};

/// An index into [`Code::seqs`].
pub(crate) type SeqId = usize;
/// An index into [`Code::blocks`].
pub(crate) type BlockId = usize;
/// An index into [`Code::exits`].
pub(crate) type ExitId = usize;
/// An index into [`Code::calls`], and into the machine's states.
pub(crate) type CallId = usize;
/// An index into [`Code::scopes`].
pub(crate) type ScopeId = usize;

/// The whole lowered flow.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// Runs of nodes: the code of a block, or of a branch that stands in place.
    pub(crate) seqs: Vec<Vec<Node>>,
    /// One for each arm of the machine.
    pub(crate) blocks: Vec<BlockData>,
    /// The blocks that are reached, in the order in which their code stands in the source: a local is put into its slot
    /// before it is taken from it, which is what inference needs.
    pub(crate) order: Vec<BlockId>,
    /// The ways out of an arm to another block.
    pub(crate) exits: Vec<Exit>,
    /// The calls.
    pub(crate) calls: Vec<Call>,
    /// The user's blocks that have items of their own.
    pub(crate) scopes: Vec<Scope>,
}

/// One arm of the machine.
#[derive(Debug)]
pub(crate) struct BlockData {
    /// What it is called, where no other is called that: after what stands at its beginning. What follows a call is called
    /// after that.
    pub(crate) name: String,
    /// Its code.
    pub(crate) root: SeqId,
    /// Whether anything leads here.
    pub(crate) reached: bool,
    /// The innermost scope that its code begins in.
    pub(crate) scope: Option<ScopeId>,
}

/// A block of the user's, inside the flow's body, that has items of its own: nothing outside of it sees them.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) items: Vec<Item>,
    /// The scope that it stands in.
    pub(crate) parent: Option<ScopeId>,
}

/// A way out of an arm.
#[derive(Debug)]
pub(crate) struct Exit {
    /// Where it leads.
    pub(crate) target: BlockId,
    /// The locals in scope where it stands, the innermost last.
    pub(crate) visible: Vec<BindingId>,
}

/// A call of something that the flow waits for.
#[derive(Debug)]
pub(crate) struct Call {
    /// What it is.
    pub(crate) job: Job,
    /// The name of its state, if `#[state("..")]` gives one.
    pub(crate) named: Option<(String, Span)>,
    /// Where the call stands.
    pub(crate) span: Span,
    /// The local that its answer is in.
    pub(crate) answer: Ident,
    /// What is awaited, as it is written.
    pub(crate) written: Expr,
    /// What is evaluated for it, in this order: see [`Job`].
    pub(crate) operands: Vec<Expr>,
    /// The block after it.
    pub(crate) after: BlockId,
    /// The locals in scope where it stands, the innermost last.
    pub(crate) visible: Vec<BindingId>,
    /// How the flow takes its answer.
    pub(crate) taken: Taken,
    /// Its node in the graph.
    pub(crate) node: usize,
}

/// What the flow waits for, and what a call's operands are to it.
#[derive(Debug)]
pub(crate) enum Job {
    /// A step or an inner flow; its arguments.
    Call(Branch),
    /// Branches at the same time; their arguments, one branch after the other.
    Join(Vec<Branch>),
    /// The same branch for each item: a `for` over the items, whose body takes the item apart and then evaluates the
    /// arguments; and the limit.
    Each(Branch),
    /// A time.
    Sleep(Until),
    /// Signals (as written, and as indices into the model's); the time, unless it is waited for ever.
    Wait { signals: Expr, which: Vec<usize>, until: Option<Until> },
    /// Another saga; its input, and the time.
    Child { ty: Type, pivot: bool, until: Option<Until> },
    /// Another saga that is not waited for; its input.
    Launch { ty: Type },
    /// A signal for another saga's instance; the id, the signal, the value.
    Send,
}

/// A call of a step or an inner flow.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Which.
    pub(crate) callee: Callee,
    /// As it is written. Its arguments are evaluated as operands, but for the context.
    pub(crate) call: ExprMethodCall,
    /// The parameter of each of its operands: an index into the callee's.
    pub(crate) parameters: Vec<usize>,
}

/// What a time is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// A length of time.
    After,
    /// A moment.
    At,
}

impl Call {
    /// The steps and inner flows that it calls.
    pub(crate) fn callees(&self) -> Vec<Callee> {
        match &self.job {
            Job::Call(branch) | Job::Each(branch) => vec![branch.callee],
            Job::Join(branches) => branches.iter().map(|branch| branch.callee).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether its answer may be an error.
    pub(crate) fn can_fail(&self, model: &Model) -> bool {
        match &self.job {
            Job::Sleep(_) | Job::Launch { .. } | Job::Wait { until: None, .. } => false,
            Job::Wait { .. } | Job::Child { .. } | Job::Send => true,
            Job::Call(_) | Job::Join(_) | Job::Each(_) => self.callees().into_iter().any(|callee| match callee {
                Callee::Step(step) => model.steps[step].refusable != Refusable::No,
                Callee::Flow(_) => true,
            }),
        }
    }

    /// How the drawing calls its error.
    pub(crate) fn failure(&self) -> &'static str {
        match &self.job {
            Job::Wait { .. } => "elapsed",
            Job::Send => "not sent",
            _ => "refused",
        }
    }

    /// Whether its completion is the point of no return.
    pub(crate) fn is_pivot(&self, model: &Model) -> bool {
        match &self.job {
            Job::Call(Branch { callee: Callee::Step(step), .. }) => model.steps[*step].class == Class::Pivot,
            Job::Child { pivot, .. } => *pivot,
            _ => false,
        }
    }

    /// The name of its state, unless `#[state("..")]` gives another.
    pub(crate) fn name(&self, model: &Model) -> String {
        let joined = |names: Vec<String>, by: &str| names.join(by);
        match &self.job {
            Job::Call(branch) | Job::Each(branch) => model.durable(branch.callee),
            Job::Join(_) => joined(self.callees().into_iter().map(|callee| model.durable(callee)).collect(), "-and-"),
            Job::Sleep(_) => "sleep".to_owned(),
            Job::Wait { which, .. } => {
                joined(which.iter().map(|&signal| model.signals[signal].name.clone()).collect(), "-or-")
            }
            Job::Child { ty, .. } | Job::Launch { ty } => match crate::owned::bare(ty) {
                Type::Path(path) => {
                    path.path.segments.last().map_or_else(String::new, |last| crate::analyze::snake(&last.ident))
                }
                _ => "child".to_owned(),
            },
            Job::Send => "send".to_owned(),
        }
    }
}

/// How a call's answer is taken where the call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// By `?`: what follows has it.
    Tried,
    /// By literal `Ok` and `Err` patterns; [`Node::Passed`] marks the ways on which it is `Ok`.
    Matched,
    /// In any other way: stored, passed on, ignored.
    Otherwise,
}

/// A piece of code in an arm.
#[derive(Debug)]
pub(crate) enum Node {
    /// Plain code.
    Stmt(Stmt),
    /// `if` of which a branch leaves the arm, or may.
    If { cond: Expr, then: SeqId, otherwise: SeqId },
    /// `match` of which an arm leaves the machine's arm, or may.
    Match {
        attrs: Vec<Attribute>,
        match_token: Token![match],
        scrutinee: Expr,
        brace_token: token::Brace,
        arms: Vec<Arm>,
    },
    /// `let PATTERN = value else { .. }`.
    LetElse { local: Local, otherwise: SeqId },
    /// The code of a scope, up to where it leaves the arm.
    Scope { scope: ScopeId, code: SeqId },
    /// On to another block.
    Exit(ExitId),
    /// A call. What follows is in its block.
    Call(CallId),
    /// The answer of the call, as a local.
    Answer(CallId),
    /// From here on the call is known to have been `Ok`.
    Passed(CallId),
    /// The end of a scope: what was visible in it, of which this many are outside.
    ScopeEnd { visible: Vec<BindingId> },
}

/// An arm of a `match`.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) pat: Pat,
    pub(crate) body: SeqId,
    /// Where the user's own body ends.
    pub(crate) end: Span,
}

impl Code {
    /// A new, empty run of nodes.
    pub(crate) fn seq(&mut self) -> SeqId {
        self.seqs.push(Vec::new());
        self.seqs.len() - 1
    }

    /// A new block, which nothing leads to yet.
    pub(crate) fn block(&mut self, name: impl Into<String>) -> BlockId {
        let root = self.seq();
        self.blocks.push(BlockData { name: name.into(), root, reached: false, scope: None });
        self.blocks.len() - 1
    }

    /// The scopes that a block's code begins in, the outermost first.
    pub(crate) fn scopes_of(&self, block: BlockId) -> Vec<ScopeId> {
        let mut scopes: Vec<ScopeId> =
            std::iter::successors(self.blocks[block].scope, |&scope| self.scopes[scope].parent).collect();
        scopes.reverse();
        scopes
    }

    /// Every node that stands in this run, those in its branches included, in the order of the source.
    pub(crate) fn walk<'c>(&'c self, seq: SeqId, visit: &mut dyn FnMut(&'c Node)) {
        for node in &self.seqs[seq] {
            visit(node);
            match node {
                Node::If { then, otherwise, .. } => {
                    self.walk(*then, visit);
                    self.walk(*otherwise, visit);
                }
                Node::Match { arms, .. } => arms.iter().for_each(|arm| self.walk(arm.body, visit)),
                Node::LetElse { otherwise: code, .. } | Node::Scope { code, .. } => self.walk(*code, visit),
                _ => {}
            }
        }
    }
}
