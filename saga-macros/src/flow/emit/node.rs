//! The code of an arm: the user's own, with the way out of the arm in the place of each exit.

use super::{Emit, arm::Arm};
use crate::flow::{
    bindings::{BindingId, Kind},
    calls,
    code::{ExitId, Node, SeqId},
    live::{self, Live, Place},
    solve::held,
};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Item, Stmt, spanned::Spanned as _, visit_mut::VisitMut};

impl Emit<'_> {
    pub(super) fn seq(&self, seq: SeqId, arm: &Arm) -> TokenStream {
        let mut arm = arm.clone();
        let mut code = TokenStream::new();
        for (at, node) in self.code.seqs[seq].iter().enumerate() {
            let moved = self.solved.moved.get(&(seq, at));
            for &id in moved.into_iter().flatten() {
                let (rt, name, kept) = (&self.rt, self.bindings.unique(id), self.kept(id));
                code.extend(quote!(let #kept = #rt::Moving(&#name).kept();));
                arm.kept.insert(id);
            }
            code.extend(self.node(node, &arm));
            code.extend(self.asked_whole(node));
            // What follows has the copy under the local's own name.
            for &id in moved.into_iter().flatten().filter(|_| matches!(node, Node::Stmt(_) | Node::LetElse { .. })) {
                let (name, kept) = (self.bindings.unique(id), self.kept(id));
                code.extend(quote!(let #name = #kept;));
                arm.kept.remove(&id);
            }
        }
        code
    }

    /// The same between braces of its own, where a block that is all there is needs none.
    fn branch(&self, seq: SeqId, arm: &Arm) -> TokenStream {
        if let [Node::Stmt(stmt)] = &self.code.seqs[seq][..]
            && !self.solved.moved.contains_key(&(seq, 0))
            && let Some(mut stmts) = within(stmt)
        {
            while let [stmt] = stmts
                && let Some(inner) = within(stmt)
            {
                stmts = inner;
            }
            let mut stmts = stmts.to_vec();
            for stmt in &mut stmts {
                self.marks(arm).visit_stmt_mut(stmt);
            }
            return quote!(#(#stmts)*);
        }
        self.seq(seq, arm)
    }

    /// A reference can be used in parts, and not be saved in parts: asks of a local that is taken apart what it is, where it
    /// is still whole.
    fn asked_whole(&self, node: &Node) -> TokenStream {
        let pat = match node {
            Node::Stmt(Stmt::Local(local)) if local.init.is_some() => &local.pat,
            Node::LetElse { local, .. } => &local.pat,
            _ => return TokenStream::new(),
        };
        let bound = live::bound(pat, self.bindings);
        let apart = bound.into_iter().filter(|&id| self.bindings.fields_of(id).next().is_some());
        let asked = apart.map(|id| {
            let (rt, name) = (&self.rt, self.bindings.unique(id));
            let span = Span::call_site().located_at(name.span());
            quote_spanned!(span=> #rt::Whole(&#name).is_a_value();)
        });
        asked.collect()
    }

    fn node(&self, node: &Node, arm: &Arm) -> TokenStream {
        match node {
            Node::Stmt(Stmt::Local(local)) if local.init.is_none() => {
                // One that is never assigned is asked for where it is used: rustc says so there, of the flow itself.
                let needed = |id: &BindingId| arm.mentioned.contains(id) || arm.leaving.contains(id);
                if live::bound(&local.pat, self.bindings).iter().any(needed) {
                    local.to_token_stream()
                } else {
                    TokenStream::new()
                }
            }
            Node::Stmt(stmt) => {
                let mut stmt = stmt.clone();
                self.marks(arm).visit_stmt_mut(&mut stmt);
                stmt.to_token_stream()
            }
            Node::If { cond, then, otherwise } => {
                let mut cond = cond.clone();
                self.marks(arm).visit_expr_mut(&mut cond);
                let (then, otherwise) = (self.branch(*then, arm), self.branch(*otherwise, arm));
                if otherwise.is_empty() {
                    quote!(if #cond { #then })
                } else {
                    quote!(if #cond { #then } else { #otherwise })
                }
            }
            Node::Match { attrs, match_token, scrutinee, brace_token, arms } => {
                let mut scrutinee = scrutinee.clone();
                self.marks(arm).visit_expr_mut(&mut scrutinee);
                let arms = arms.iter().map(|branch| {
                    let (attrs, pat) = (&branch.attrs, &branch.pat);
                    // An arm that is missing is missed after the end of the last one, where the user's ends.
                    let mut body = Group::new(Delimiter::Brace, self.branch(branch.body, arm));
                    body.set_span(branch.end);
                    quote!(#(#attrs)* #pat => #body)
                });
                let mut arms = Group::new(Delimiter::Brace, quote!(#(#arms)*));
                arms.set_span(brace_token.span.join());
                quote!(#(#attrs)* #match_token #scrutinee #arms)
            }
            Node::LetElse { local, otherwise } => {
                let mut local = local.clone();
                self.marks(arm).visit_local_mut(&mut local);
                let (attrs, let_token, pat) = (&local.attrs, &local.let_token, &local.pat);
                let init = local.init.iter().map(|init| &init.expr);
                let otherwise = self.branch(*otherwise, arm);
                quote!(#(#attrs)* #let_token #pat #(= #init)* else { #otherwise };)
            }
            Node::Scope { scope, code } => {
                let (items, code) = (&self.code.scopes[*scope].items, self.seq(*code, arm));
                quote!({ #(#items)* #code })
            }
            Node::Exit(exit) => self.exit(*exit, arm),
            Node::Call(call) => self.call(*call, arm),
            Node::Answer(call) => self.answer(*call),
            Node::Passed(_) | Node::ScopeEnd { .. } => TokenStream::new(),
        }
    }

    pub(super) fn marks<'e>(&'e self, arm: &'e Arm) -> Marks<'e> {
        Marks { emit: self, arm }
    }

    /// Puts back what is needed, and leaves the arm.
    fn exit(&self, exit: ExitId, arm: &Arm) -> TokenStream {
        let target = self.code.exits[exit].target;
        let puts = self.puts(&self.solved.live_in[target], arm);
        let block = &self.blocks[target];
        quote!(#puts break 'arm __Block::#block;)
    }

    pub(super) fn puts(&self, live: &Live, arm: &Arm) -> TokenStream {
        held(live, self.bindings)
            .filter(|(id, _)| match self.bindings[*id].kind {
                Kind::Field(of, _) => arm.locals.contains(&of),
                _ => arm.locals.contains(id),
            })
            .map(|(id, place)| self.put(id, place, arm))
            .collect()
    }

    fn put(&self, id: BindingId, place: Place, arm: &Arm) -> TokenStream {
        let field = self.field(id);
        // A use after move is reported where the plain flow reports it: at the use.
        let name =
            if arm.kept.contains(&id) { self.kept(id) } else { Ident::new(&self.bindings[id].unique, place.span) };
        let binding = &self.bindings[id];
        if let Kind::Field(of, part) = &binding.kind {
            let name = Ident::new(&self.bindings[*of].unique, place.span);
            let kept = arm.taken.contains(of) && arm.apart.contains(of) && !binding.mutable && self.slot(id).is_some();
            return if kept {
                quote!(__slots.#field.keep(#name.#part);)
            } else {
                quote!(__slots.#field.put(#name.#part);)
            };
        }
        // A part that is not copied is missing where the whole is put back: types tell, before rustc says so of code that is
        // right without the machine.
        let copied = arm.split.iter().filter(|(of, _)| *of == id).map(|(_, part)| {
            let span = part.span();
            quote_spanned!(span=> __rt::a_part_is_copied_out(&#part);)
        });
        let copied: TokenStream = copied.collect();
        let put = self.put_whole(id, &name, &field, arm);
        quote!(#copied #put)
    }

    fn put_whole(&self, id: BindingId, name: &Ident, field: &Ident, arm: &Arm) -> TokenStream {
        let unchanged = arm.taken.contains(&id) && !self.bindings[id].mutable && self.slot(id).is_some();
        if unchanged { quote!(__slots.#field.keep(#name);) } else { quote!(__slots.#field.put(#name);) }
    }
}

/// What is in a block, if nothing changes when its braces are taken away: what a last value borrows would be dropped before
/// the locals.
fn within(stmt: &Stmt) -> Option<&[Stmt]> {
    let Stmt::Expr(Expr::Block(block), _) = stmt else { return None };
    let is_value = |last: &Stmt| match last {
        Stmt::Expr(Expr::Macro(mac), None) => calls::exit_number(&mac.mac).is_none(),
        last => matches!(last, Stmt::Expr(_, None)),
    };
    let is_bare = block.attrs.is_empty() && block.label.is_none() && !block.block.stmts.last().is_some_and(is_value);
    is_bare.then_some(&block.block.stmts[..])
}

/// Puts the way out of the arm in the place of each mark.
pub(super) struct Marks<'e> {
    emit: &'e Emit<'e>,
    arm: &'e Arm,
}

impl VisitMut for Marks<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Macro(mac) = expr
            && let Some(exit) = calls::exit_number(&mac.mac)
        {
            let exit = self.emit.exit(exit, self.arm);
            *expr = Expr::Verbatim(quote!({ #exit }));
            return;
        }
        if calls::bare_answer(expr).is_some() {
            *expr = Expr::Verbatim(calls::given(expr));
            return;
        }
        syn::visit_mut::visit_expr_mut(self, expr);
    }
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Expr(Expr::Macro(mac), _) = stmt
            && let Some(exit) = calls::exit_number(&mac.mac)
        {
            *stmt = Stmt::Expr(Expr::Verbatim(self.emit.exit(exit, self.arm)), None);
            return;
        }
        syn::visit_mut::visit_stmt_mut(self, stmt);
    }
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
