//! Lowering: the flow's code, cut at its calls.
//!
//! Only what contains a call is taken apart; everything else stays the plain code it is. A branch is lowered where it
//! stands, up to its first call, so that what its pattern borrows may feed the arguments; what follows a call begins a new
//! block.

mod branch;
mod call;
mod hoist;
mod loops;
mod plain;
mod source;

pub(crate) use self::{
    call::fan_out,
    plain::{diverges, is_err},
};

use super::{
    bindings::{BindingId, Bindings, Kind},
    calls::{has_call, leaves},
    code::{BlockId, Code, Exit, ExitId, Node, Scope, ScopeId, SeqId},
    graph::{self, Graph},
    live,
    states::has_cfg,
};
use crate::{errors::Errors, model::Model};
use proc_macro2::Span;
use std::collections::BTreeMap;
use syn::{Block, Expr, Item, Local, Pat, Stmt, parse_quote, spanned::Spanned};

/// What lowering makes.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) code: Code,
    pub(crate) graph: Graph,
    /// Items of the flow's body itself, visible in every arm.
    pub(crate) items: Vec<Item>,
}

/// Lowers the flow's body, whose names are resolved.
pub(crate) fn lower_body(
    model: &Model,
    bindings: &mut Bindings,
    body: Block,
    scope: Vec<BindingId>,
    errors: &mut Errors,
) -> Lowered {
    let mut this = Lowering {
        model,
        errors,
        bindings,
        code: Code::default(),
        graph: Graph::new(),
        scope: None,
        targets: Vec::new(),
        visible: scope,
        invented: BTreeMap::new(),
    };
    let start = this.code.block("Start");
    let at = this.enter(start);
    this.graph.start(at);
    this.code.blocks[start].reached = true;
    let mut body = body;
    let items = take_items(&mut body);
    let end = this.block(at, body, &Dest::Return);
    debug_assert!(end.is_none(), "a value that is returned ends the flow");
    Lowered { code: this.code, graph: this.graph, items }
}

/// The items among the statements of a block: they are seen everywhere in it.
fn take_items(block: &mut Block) -> Vec<Item> {
    let (items, code) = std::mem::take(&mut block.stmts).into_iter().partition(|stmt| matches!(stmt, Stmt::Item(_)));
    block.stmts = code;
    let item = |stmt: Stmt| if let Stmt::Item(item) = stmt { Some(item) } else { None };
    Vec::into_iter(items).filter_map(item).collect()
}

/// What becomes of a value.
#[derive(Debug, Clone)]
pub(crate) enum Dest {
    /// It is dropped: a statement.
    Discard,
    /// It is the flow's own value.
    Return,
    /// It is assigned to a local of ours.
    Assign(BindingId),
    /// It is bound by this `let`, whose initializer stands for it.
    Let(Box<Local>),
}

/// Where a `break` or `continue` of the user's leads.
#[derive(Debug)]
struct Target {
    label: Option<String>,
    /// The head, for a loop; a labelled block has none.
    on_continue: Option<BlockId>,
    on_break: BlockId,
    /// What becomes of the value of a `break`.
    dest: Dest,
}

pub(crate) struct Lowering<'m> {
    pub(crate) model: &'m Model,
    pub(crate) errors: &'m mut Errors,
    pub(crate) bindings: &'m mut Bindings,
    pub(crate) code: Code,
    pub(crate) graph: Graph,
    /// The innermost block with items of its own.
    scope: Option<ScopeId>,
    targets: Vec<Target>,
    /// The locals in scope, the innermost last.
    visible: Vec<BindingId>,
    /// How often each name of ours was used.
    invented: BTreeMap<String, usize>,
}

impl Lowering<'_> {
    fn has_call(&self, expr: &Expr) -> bool {
        has_call(self.model, expr)
    }

    /// Begins the code of a block.
    fn enter(&mut self, block: BlockId) -> SeqId {
        self.code.order.push(block);
        self.code.blocks[block].scope = self.scope;
        let root = self.code.blocks[block].root;
        self.graph.enter(block, root);
        root
    }

    fn push(&mut self, at: SeqId, node: Node) {
        self.code.seqs[at].push(node);
    }

    /// A way out to a block, with what is in scope where it stands.
    fn new_exit(&mut self, target: BlockId) -> ExitId {
        self.code.blocks[target].reached = true;
        self.code.exits.push(Exit { target, visible: self.visible.clone() });
        self.code.exits.len() - 1
    }

    /// Leaves the arm at the end of this run.
    fn leave(&mut self, at: SeqId, target: BlockId) {
        let exit = self.new_exit(target);
        self.push(at, Node::Exit(exit));
        self.graph.leave(at, target);
    }

    /// A local of ours. Its name in a frame is durable, and does not depend on its position in the code.
    fn invent(&mut self, name: &str, frame: &str, mutable: bool, span: Span) -> BindingId {
        let count = self.invented.entry(frame.to_owned()).or_default();
        *count += 1;
        let frame = if *count == 1 { format!("({frame})") } else { format!("({frame} {count})") };
        self.bindings.invent(name, frame, mutable, span)
    }

    /// A local of ours that is assigned in several places.
    fn invent_deferred(&mut self, name: &str, frame: &str, span: Span) -> BindingId {
        let id = self.invent(name, frame, false, span);
        self.bindings[id].deferred = true;
        id
    }

    fn local(&self, id: BindingId) -> Expr {
        let ident = self.bindings.unique(id);
        parse_quote!(#ident)
    }

    /// The end of a scope that began when this many locals were visible.
    fn scope_end(&mut self, at: Option<SeqId>, outside: usize) {
        if let Some(at) = at
            && self.visible.len() > outside
        {
            self.push(at, Node::ScopeEnd { visible: self.visible.clone() });
        }
        self.visible.truncate(outside);
    }

    fn see(&mut self, pat: &Pat) {
        let bound = live::bound(pat, self.bindings);
        self.visible.extend(bound);
    }

    /// Lowers a block at the end of a run; answers where the code goes on, or nothing if it does not.
    fn block(&mut self, at: SeqId, mut block: Block, dest: &Dest) -> Option<SeqId> {
        let outside = self.visible.len();
        let items = take_items(&mut block);
        let end = if items.is_empty() { self.stmts(at, block, dest) } else { self.scoped(at, items, block, dest) };
        self.scope_end(end, outside);
        end
    }

    /// A block with items of its own: what comes after it is in another arm, where they are not seen.
    fn scoped(&mut self, at: SeqId, items: Vec<Item>, block: Block, dest: &Dest) -> Option<SeqId> {
        self.code.scopes.push(Scope { items, parent: self.scope });
        let scope = self.code.scopes.len() - 1;
        let code = self.code.seq();
        self.graph.merge(at, code);
        self.push(at, Node::Scope { scope, code });
        let outer = self.scope.replace(scope);
        let end = self.stmts(code, block, dest);
        self.scope = outer;
        let after = self.code.block("AfterBlock");
        self.leave(end?, after);
        Some(self.enter(after))
    }

    fn stmts(&mut self, at: SeqId, block: Block, dest: &Dest) -> Option<SeqId> {
        let close = block.brace_token.span.close();
        let mut at = at;
        let mut stmts = block.stmts.into_iter().peekable();
        while let Some(stmt) = stmts.next() {
            let is_tail = stmts.peek().is_none();
            let next = match stmt {
                Stmt::Expr(expr, None) if is_tail => return self.value(at, expr, dest),
                Stmt::Macro(mac) if is_tail && mac.semi_token.is_none() => {
                    let expr = Expr::Macro(syn::ExprMacro { attrs: mac.attrs, mac: mac.mac });
                    return self.value(at, expr, dest);
                }
                stmt => self.stmt(at, stmt),
            };
            let Some(next) = next else {
                self.unreachable(stmts);
                return None;
            };
            at = next;
        }
        match dest {
            Dest::Discard => Some(at),
            // Only a body that never gets here may lack a value; rustc says so otherwise.
            Dest::Return => self.value(at, syn::parse_quote_spanned!(close=> return ::core::unreachable!()), dest),
            _ => self.value(at, syn::parse_quote_spanned!(close=> ()), dest),
        }
    }

    /// Code that nothing leads to: a mistake if it calls a step.
    fn unreachable(&mut self, rest: impl Iterator<Item = Stmt>) {
        for stmt in rest {
            let calls = match &stmt {
                Stmt::Local(local) => local.init.as_ref().is_some_and(|init| self.has_call(&init.expr)),
                Stmt::Expr(expr, _) => self.has_call(expr),
                Stmt::Item(_) | Stmt::Macro(_) => false,
            };
            if calls {
                self.errors.span(
                    "unreachable_state",
                    stmt.span(),
                    "nothing leads to this step: the flow has left before it\nhelp: remove it, or what leaves before it",
                );
                return;
            }
        }
    }

    fn stmt(&mut self, at: SeqId, stmt: Stmt) -> Option<SeqId> {
        match stmt {
            Stmt::Local(local) => {
                let value = local.init.as_ref().map(|init| (*init.expr).clone());
                let Some(value) = value else {
                    self.see(&local.pat);
                    self.push(at, Node::Stmt(Stmt::Local(local)));
                    return Some(at);
                };
                self.value(at, value, &Dest::Let(Box::new(local)))
            }
            Stmt::Expr(expr, _) => self.value(at, expr, &Dest::Discard),
            // Taken out of its block before.
            Stmt::Item(_) => Some(at),
            Stmt::Macro(mac) => {
                self.push(at, Node::Stmt(Stmt::Macro(mac)));
                Some(at)
            }
        }
    }

    /// Lowers an expression whose value goes to `dest`.
    fn value(&mut self, at: SeqId, expr: Expr, dest: &Dest) -> Option<SeqId> {
        let structural = self.has_call(&expr)
            || (matches!(dest, Dest::Return | Dest::Discard)
                && matches!(expr, Expr::If(_) | Expr::Match(_))
                && leaves(&expr))
            || (matches!(dest, Dest::Return) && matches!(expr, Expr::If(_) | Expr::Match(_)));
        if !structural {
            return self.plain(at, expr, dest);
        }
        match expr {
            Expr::Paren(node) => self.value(at, *node.expr, dest),
            Expr::Group(node) => self.value(at, *node.expr, dest),
            Expr::Block(node) => match &node.label {
                Some(_) => self.labelled_block(at, node, dest),
                None => self.with_value(dest, node.block.span(), |this, dest| this.block(at, node.block, dest)),
            },
            Expr::If(node) => self.if_(at, node, dest),
            Expr::Match(node) => self.match_(at, node, dest),
            Expr::Loop(node) => self.loop_(at, node, dest),
            Expr::While(node) => self.while_(at, node, dest),
            Expr::ForLoop(node) => self.for_(at, node, dest),
            Expr::Binary(node) if self.is_short_circuit(&node) => self.short_circuit(at, node, dest),
            Expr::Return(node) => match node.expr {
                Some(value) => self.value(at, *value, &Dest::Return),
                None => self.plain(at, Expr::Return(node), &Dest::Discard),
            },
            Expr::Break(node) => self.break_(at, node),
            mut expr => {
                let at = self.hoist(at, &mut expr)?;
                self.plain(at, expr, dest)
            }
        }
    }

    /// Lowers what may give its value in more places than one: a `let` binds once, behind a local of ours.
    fn with_value(
        &mut self,
        dest: &Dest,
        span: Span,
        lower: impl FnOnce(&mut Self, &Dest) -> Option<SeqId>,
    ) -> Option<SeqId> {
        let Dest::Let(local) = dest else { return lower(self, dest) };
        let value = self.invent_deferred("__value", "value", span);
        if let Pat::Type(typed) = &local.pat {
            self.bindings[value].ty = Some((*typed.ty).clone());
        }
        let end = lower(self, &Dest::Assign(value))?;
        let value = self.local(value);
        self.plain(end, value, dest)
    }

    /// Merges the ends of branches: they go on in `at` if all of them begin there, in place, and end where they began; in a
    /// block of their own otherwise.
    fn merge(&mut self, at: SeqId, branches: &[(SeqId, Option<SeqId>)], in_place: bool) -> Option<SeqId> {
        let open: Vec<(SeqId, SeqId)> = branches.iter().filter_map(|&(start, end)| Some((start, end?))).collect();
        if open.is_empty() {
            return None;
        }
        if in_place && open.iter().all(|(start, end)| start == end) {
            self.graph.forks(at);
            for (_, end) in open {
                self.graph.merge(end, at);
            }
            return Some(at);
        }
        let after = self.code.block("AfterBranches");
        for (_, end) in open {
            self.leave(end, after);
        }
        Some(self.enter(after))
    }

    /// The node of a decision; the head of a `while` is its own.
    fn branch_node(&mut self, at: SeqId, text: String) -> usize {
        match self.graph.at_head(at) {
            Some((head, header)) if header == format!("while {text}") => head,
            _ => self.graph.node(at, graph::Node::Branch(text)),
        }
    }

    /// Makes a local again where it is needed instead of saving it, if that costs nothing and always gives the same.
    fn made_again(&mut self, local: &Local) {
        let (pat, typed) = match &local.pat {
            Pat::Ident(pat) => (pat, false),
            Pat::Type(typed) => match &*typed.pat {
                Pat::Ident(pat) => (pat, true),
                _ => return,
            },
            _ => return,
        };
        let Some(init) = &local.init else { return };
        // Where it is there in some builds only, another of its name may be in the others.
        if has_cfg(&local.attrs) || pat.mutability.is_some() || pat.by_ref.is_some() || !is_constant(&init.expr, typed)
        {
            return;
        }
        if let Some(id) = self.bindings.of(&pat.ident) {
            let statement = Stmt::Local(local.clone());
            self.bindings[id].kind = Kind::Derived(Box::new(super::bindings::Derivation {
                statement,
                from: std::collections::BTreeSet::new(),
            }));
        }
    }
}

/// A literal whose type is its own, or a reference to a field of the saga.
fn is_constant(expr: &Expr, typed: bool) -> bool {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            // Without a suffix its type comes from its uses, which may stand in other arms.
            syn::Lit::Int(int) => typed || !int.suffix().is_empty(),
            syn::Lit::Float(float) => typed || !float.suffix().is_empty(),
            _ => true,
        },
        Expr::Reference(reference) => reference.mutability.is_none() && is_own_field(&reference.expr),
        _ => false,
    }
}

fn is_own_field(expr: &Expr) -> bool {
    let Expr::Field(field) = expr else { return false };
    is_own_field(&field.base) || matches!(&*field.base, Expr::Path(path) if path.path.is_ident("self"))
}
