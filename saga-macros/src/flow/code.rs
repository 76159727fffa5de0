//! The lowered flow: blocks of plain code that end in a call, in another block, or in the end of the flow.

use super::bindings::BindingId;
use proc_macro2::Span;
use syn::{Attribute, Expr, Local, Pat, Stmt};

/// An index into [`Code::seqs`].
pub(crate) type SeqId = usize;
/// An index into [`Code::blocks`].
pub(crate) type BlockId = usize;
/// An index into [`Code::exits`].
pub(crate) type ExitId = usize;
/// An index into [`Code::calls`], and into the machine's states.
pub(crate) type CallId = usize;

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
}

/// One arm of the machine.
#[derive(Debug)]
pub(crate) struct BlockData {
    /// Its code.
    pub(crate) root: SeqId,
    /// Whether anything leads here.
    pub(crate) reached: bool,
}

/// A way out of an arm.
#[derive(Debug)]
pub(crate) struct Exit {
    /// Where it leads.
    pub(crate) target: BlockId,
    /// The locals in scope where it stands, the innermost last.
    pub(crate) visible: Vec<BindingId>,
}

/// A call of a step.
#[derive(Debug)]
pub(crate) struct Call {
    /// An index into the model's steps.
    pub(crate) step: usize,
    /// The name of its state, if `#[state("..")]` gives one.
    pub(crate) named: Option<(String, Span)>,
    /// Where the call stands.
    pub(crate) span: Span,
    /// The arguments: indices into the step's parameters, and what is passed.
    pub(crate) arguments: Vec<(usize, Expr)>,
    /// The block after it.
    pub(crate) after: BlockId,
    /// The locals in scope where it stands, the innermost last.
    pub(crate) visible: Vec<BindingId>,
    /// How the flow takes its answer.
    pub(crate) taken: Taken,
    /// Its node in the graph.
    pub(crate) node: usize,
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
    Match { attrs: Vec<Attribute>, scrutinee: Expr, arms: Vec<Arm> },
    /// `let PATTERN = value else { .. }`.
    LetElse { local: Local, otherwise: SeqId },
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
}

impl Code {
    /// A new, empty run of nodes.
    pub(crate) fn seq(&mut self) -> SeqId {
        self.seqs.push(Vec::new());
        self.seqs.len() - 1
    }

    /// A new block, which nothing leads to yet.
    pub(crate) fn block(&mut self) -> BlockId {
        let root = self.seq();
        self.blocks.push(BlockData { root, reached: false });
        self.blocks.len() - 1
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
                Node::LetElse { otherwise, .. } => self.walk(*otherwise, visit),
                _ => {}
            }
        }
    }
}
