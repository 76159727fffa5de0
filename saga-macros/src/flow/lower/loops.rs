//! Loops and labelled blocks.

use super::{Dest, Lowering, Target};
use crate::flow::{
    bindings::{Derivation, Kind},
    code::{BlockId, Node, SeqId},
    graph,
    live::{bound, tokens_of},
};
use crate::pretty::camel;
use proc_macro2::Span;
use std::collections::BTreeSet;
use syn::{Block, Expr, ExprBlock, ExprForLoop, ExprLoop, ExprWhile, Label, Stmt, parse_quote, spanned::Spanned};

use super::source::Source;

impl Lowering<'_> {
    pub(super) fn labelled_block(&mut self, at: SeqId, node: ExprBlock, dest: &Dest) -> Option<SeqId> {
        let span = node.block.span();
        self.with_value(dest, span, |this, dest| {
            let after = this.code.block(format!("After{}", name(node.label.as_ref(), "Block")));
            this.target(node.label.as_ref(), None, after, dest);
            let end = this.block(at, node.block, dest);
            this.targets.pop();
            if let Some(end) = end {
                if !this.code.blocks[after].reached {
                    return Some(end);
                }
                this.leave(end, after);
            }
            this.go_on(after)
        })
    }

    fn target(&mut self, label: Option<&Label>, on_continue: Option<BlockId>, on_break: BlockId, dest: &Dest) {
        let label = label.map(|label| label.name.ident.to_string());
        self.targets.push(Target { label, on_continue, on_break, dest: dest.clone() });
    }

    /// Goes on after a loop, if anything leads there.
    fn go_on(&mut self, after: BlockId) -> Option<SeqId> {
        self.code.blocks[after].reached.then(|| self.enter(after))
    }

    /// Begins the head of a loop, whose text this is; answers the block that follows the loop as well.
    fn head(&mut self, at: SeqId, name: &str, text: String) -> (BlockId, SeqId, BlockId) {
        let head = self.code.block(name);
        let after = self.code.block(format!("After{name}"));
        self.leave(at, head);
        self.code.order.push(head);
        self.code.blocks[head].scope = self.scope;
        let root = self.code.blocks[head].root;
        self.graph.head(head, root, text);
        (head, root, after)
    }

    pub(super) fn loop_(&mut self, at: SeqId, node: ExprLoop, dest: &Dest) -> Option<SeqId> {
        let span = node.loop_token.span;
        self.with_value(dest, span, |this, dest| {
            let (head, root, after) = this.head(at, &name(node.label.as_ref(), "Loop"), "loop".into());
            this.target(node.label.as_ref(), Some(head), after, dest);
            let end = this.block(root, node.body, &Dest::Discard);
            this.targets.pop();
            if let Some(end) = end {
                this.leave(end, head);
            }
            this.go_on(after)
        })
    }

    /// The value of a `while` or a `for` is `()`.
    fn unit(&mut self, end: Option<SeqId>, dest: &Dest) -> Option<SeqId> {
        match dest {
            Dest::Discard => end,
            _ => self.plain(end?, parse_quote!(()), dest),
        }
    }

    pub(super) fn while_(&mut self, at: SeqId, node: ExprWhile, dest: &Dest) -> Option<SeqId> {
        let text = format!("while {}", self.bindings.text(tokens_of(&node.cond)));
        let (head, root, after) = self.head(at, &name(node.label.as_ref(), "While"), text);
        self.target(node.label.as_ref(), Some(head), after, &Dest::Discard);
        let body = node.body;
        let end = self.while_head(root, *node.cond, after, |this, seq| this.block(seq, body, &Dest::Discard));
        self.targets.pop();
        if let Some(end) = end {
            self.leave(end, head);
        }
        let end = self.go_on(after);
        self.unit(end, dest)
    }

    pub(super) fn for_(&mut self, at: SeqId, mut node: ExprForLoop, dest: &Dest) -> Option<SeqId> {
        let text = format!(
            "for {} in {}",
            self.bindings.text(tokens_of(&node.pat)),
            self.bindings.text(tokens_of(&node.expr))
        );
        let mut at = at;
        if self.has_call(&node.expr) {
            at = self.hoist(at, &mut node.expr)?;
        }
        let body_has_call = crate::flow::calls::calls_in_block(self.model, &node.body) > 0;
        if !body_has_call {
            return self.plain(at, Expr::ForLoop(node), dest);
        }
        if let Some(endless) = super::source::endless(&node.expr) {
            self.errors.span(
                "unbounded_for",
                endless,
                "this has no end, and a `for` with a step inside saves what it iterates over\nhelp: write `loop { .. }`, and \
                 `break` where it ends",
            );
            return None;
        }
        let name = self.item_name(&node);
        let span = node.pat.span();
        let rt: syn::Path = parse_quote!(__rt);
        let source = Source::of(*node.expr, self.bindings);
        // What stands in front of the loop, the next item, and what makes the item's pattern again after a step.
        let (before, next, advance, again): (Vec<Stmt>, Expr, Option<Stmt>, Option<Expr>) = match source {
            Source::Range { start, end, closed } => {
                let range = self.invent("__range", &name, true, span);
                let range = self.bindings.unique(range);
                let make: Expr = if closed {
                    parse_quote!(#rt::Range::closed(#start, #end))
                } else {
                    parse_quote!(#rt::Range::half_open(#start, #end))
                };
                (vec![parse_quote!(let mut #range = #make;)], parse_quote!(#range.next()), None, None)
            }
            Source::Place(place) => {
                let at = self.invent("__at", &name, true, span);
                let at = self.bindings.unique(at);
                (
                    vec![parse_quote!(let mut #at = 0_usize;)],
                    parse_quote!(#rt::nth(#place, #at)),
                    Some(parse_quote!(#at += 1;)),
                    Some(parse_quote!(#rt::nth(#place, #at - 1))),
                )
            }
            Source::Collected(source) => {
                let here = Span::call_site().located_at(source.span());
                let items = self.invent("__items", &format!("each {name}"), false, span);
                let at = self.invent("__at", &name, true, span);
                let (items, at) = (self.bindings.unique(items), self.bindings.unique(at));
                (
                    vec![
                        syn::parse_quote_spanned!(here=> let #items = #rt::Collect(#source).collect();),
                        parse_quote!(let mut #at = 0_usize;),
                    ],
                    syn::parse_quote_spanned!(here=> #rt::Turn(&#items, #at).item()),
                    Some(parse_quote!(#at += 1;)),
                    None,
                )
            }
        };
        let outside = self.visible.len();
        for stmt in before {
            self.push(at, Node::Stmt(stmt));
        }
        let each = format!("Each{}", camel(&name));
        let (head, root, after) = self.head(at, &each, text);
        self.target(node.label.as_ref(), Some(head), after, &Dest::Discard);
        let pat = (*node.pat).clone();
        if let Some(again) = again {
            self.derive(&pat, &again, &rt, span);
        }
        let end = self.turn(root, head, after, &pat, &next, advance, node.body);
        self.targets.pop();
        self.visible.truncate(outside);
        if let Some(end) = end {
            self.leave(end, head);
        }
        let end = self.go_on(after);
        self.unit(end, dest)
    }

    /// One turn of a `for`: the next item, or on to what follows the loop.
    #[expect(clippy::too_many_arguments, reason = "each is a part of one turn, and they are named at the one call")]
    fn turn(
        &mut self,
        root: SeqId,
        head: BlockId,
        after: BlockId,
        pat: &syn::Pat,
        next: &Expr,
        advance: Option<Stmt>,
        body: Block,
    ) -> Option<SeqId> {
        let done = self.code.seq();
        let node = self.graph_head(head);
        self.graph.begin(done, node, "done", graph::Kind::Next);
        self.leave(done, after);
        self.graph.begin(root, node, "each", graph::Kind::Next);
        let local: Stmt = parse_quote!(let __rt::Some(#pat) = #next;);
        let Stmt::Local(local) = local else { return None };
        self.push(root, Node::LetElse { local, otherwise: done });
        if let Some(advance) = advance {
            self.push(root, Node::Stmt(advance));
        }
        let outside = self.visible.len();
        self.see(pat);
        let end = self.block(root, body, &Dest::Discard);
        self.visible.truncate(outside);
        end
    }

    fn graph_head(&self, head: BlockId) -> usize {
        self.graph.head_node(head)
    }

    /// The locals of the pattern are borrowed again wherever they are needed, instead of being saved.
    fn derive(&mut self, pat: &syn::Pat, again: &Expr, rt: &syn::Path, span: Span) {
        let statement: Stmt = syn::parse_quote_spanned!(Span::call_site().located_at(span)=>
            let #rt::Some(#pat) = #again else { #rt::gone() };
        );
        let mut from = super::super::live::Live::new();
        let none = |_: usize| super::super::live::Live::new();
        let mut backward = super::super::live::Backward::new(self.bindings, &none);
        from = backward.expr(again, from);
        let from: BTreeSet<usize> = from.into_keys().collect();
        for id in bound(pat, self.bindings) {
            if !self.bindings[id].mutable {
                self.bindings[id].kind =
                    Kind::Derived(Box::new(Derivation { statement: statement.clone(), from: from.clone() }));
            }
        }
    }

    /// What the position of a loop is called in a frame: after what its items are called.
    fn item_name(&self, node: &ExprForLoop) -> String {
        let bound = bound(&node.pat, self.bindings);
        bound.first().map_or_else(|| "item".into(), |&id| self.bindings[id].frame.clone())
    }
}

/// What a loop or a block is called: by its label, if it has one.
fn name(label: Option<&Label>, kind: &str) -> String {
    label.map_or_else(|| kind.to_owned(), |label| format!("{}{kind}", camel(&label.name.ident.to_string())))
}
