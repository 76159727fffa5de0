//! The lowered flow as the machine's tokens.

mod call;
mod names;

use super::{
    bindings::{BindingId, Bindings, CONTEXT, Kind, field_name},
    check::AfterPivot,
    code::{BlockId, CallId, Code, ExitId, Node, SeqId},
    draft::Draft,
    live::{Declared, Live, Place},
    solve::{Solved, held},
    tokens,
};
use crate::{
    model::{Child, Flow, Machine, Model, State},
    pretty::{camel, number},
};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Expr, Item, Member, Stmt, Type, spanned::Spanned as _, visit::Visit, visit_mut::VisitMut};

/// Emits the machine's body; the rest of [`Machine`] comes from the same tables. The sagas that it starts are added to
/// `children`.
pub(crate) fn emit(
    model: &Model,
    flow: &Flow,
    draft: &Draft,
    solved: &Solved,
    after: &AfterPivot,
    children: &mut Vec<Child>,
) -> Machine {
    let (code, bindings) = (&draft.lowered.code, &draft.bindings);
    let slots = slots(draft, solved);
    let carried = carried(draft, solved, &slots);
    let emit = Emit {
        model,
        flow,
        code,
        solved,
        bindings,
        inputs: &draft.inputs,
        slots: &slots,
        carried: &carried,
        fields: names::fields(slots.iter().chain(&carried).copied(), bindings),
        blocks: names::blocks(draft),
        rt: quote!(__rt),
    };
    let body = bindings.restore(emit.body(&draft.lowered.items));
    let states = code.calls.iter().enumerate().map(|(id, call)| State {
        name: draft.names[id].clone(),
        work: call::work(call, after.past.contains(&id), children),
        live: emit.live_at(id),
    });
    let states = states.collect();
    let slots = slots.iter().map(|&id| bindings[id].frame.clone()).collect();
    Machine { states, slots, nodes: Vec::new(), edges: Vec::new(), body }
}

/// The locals that are saved, in the order of their declaration.
fn slots(draft: &Draft, solved: &Solved) -> Vec<BindingId> {
    let (code, bindings) = (&draft.lowered.code, &draft.bindings);
    let mut saved = solved.saved(code, bindings);
    if let Some(&start) = code.order.first() {
        saved.extend(draft.inputs.iter().filter(|input| solved.live_in[start].contains_key(input)));
    }
    saved.into_iter().collect()
}

/// The locals that are needed across two arms but across no call: they are carried, and need not be saved.
fn carried(draft: &Draft, solved: &Solved, slots: &[BindingId]) -> BTreeSet<BindingId> {
    let (code, bindings) = (&draft.lowered.code, &draft.bindings);
    let needed = code.order.iter().flat_map(|&block| held(&solved.live_in[block], bindings)).map(|(id, _)| id);
    needed.filter(|id| slots.binary_search(id).is_err()).collect()
}

struct Emit<'a> {
    model: &'a Model,
    flow: &'a Flow,
    code: &'a Code,
    solved: &'a Solved,
    bindings: &'a Bindings,
    /// What each input of the flow is saved as.
    inputs: &'a [BindingId],
    slots: &'a [BindingId],
    carried: &'a BTreeSet<BindingId>,
    /// What their fields are called.
    fields: BTreeMap<BindingId, Ident>,
    /// What the arms are called.
    blocks: Vec<Ident>,
    rt: TokenStream,
}

/// An arm, while it is emitted.
#[derive(Clone)]
struct Arm {
    /// The locals that it takes from their slots.
    taken: BTreeSet<BindingId>,
    /// Those of which it takes parts.
    apart: BTreeSet<BindingId>,
    /// The locals of which a copy was kept, because the code moves them.
    kept: BTreeSet<BindingId>,
    /// The parts of parts that its code moves or copies although the whole is needed after it.
    split: Vec<(BindingId, syn::ExprField)>,
    /// Every local that its code mentions.
    mentioned: BTreeSet<BindingId>,
    /// Every local that it has, at one place or another.
    locals: BTreeSet<BindingId>,
    /// The locals that are needed after it.
    leaving: BTreeSet<BindingId>,
}

impl Emit<'_> {
    fn live_at(&self, call: CallId) -> Vec<usize> {
        let saved = self.solved.saved_at(self.code, self.bindings, call);
        let mut live: Vec<usize> = saved.filter_map(|(id, _)| self.slot(id)).collect();
        live.sort_unstable();
        live
    }

    fn slot(&self, id: BindingId) -> Option<usize> {
        self.slots.binary_search(&id).ok()
    }

    fn field(&self, id: BindingId) -> Ident {
        self.fields.get(&id).cloned().unwrap_or_else(|| format_ident!("__s{id}"))
    }

    fn kept(&self, id: BindingId) -> Ident {
        format_ident!("__kept_{}", self.field(id))
    }

    /// The type that an input is saved as, if this is one.
    fn input_type(&self, id: BindingId) -> Option<&Type> {
        let input = self.inputs.iter().position(|&input| input == id)?;
        Some(&self.flow.inputs[input].owned)
    }

    fn body(&self, items: &[Item]) -> TokenStream {
        let rt = &self.rt;
        let (context, handed) = (self.bindings.unique(CONTEXT), &self.flow.context);
        let fields: Vec<BindingId> = self.slots.iter().chain(self.carried).copied().collect();
        let names: Vec<Ident> = fields.iter().map(|&id| self.field(id)).collect();
        let types: Vec<Ident> = (0..fields.len()).map(|at| format_ident!("T{at}")).collect();
        let kinds = fields
            .iter()
            .zip(&types)
            .map(|(&id, ty)| if self.slot(id).is_some() { quote!(#rt::Slot<#ty>) } else { quote!(#rt::Carry<#ty>) });
        let made = fields.iter().map(|&id| {
            let Some(index) = self.slot(id) else { return quote!(#rt::Carry::new()) };
            let (index, name) = (number(index), &self.bindings[id].frame);
            let ty = self.input_type(id).into_iter();
            quote!(__drive.slot #(::<#ty>)* (#index, #name, __live.contains(&#index)))
        });
        let saved = self.slots.iter().map(|&id| {
            let span = Span::call_site().located_at(self.bindings[id].ident.span());
            let mut field = self.field(id);
            field.set_span(span);
            quote_spanned!(span=> &mut __slots.#field)
        });
        let blocks = self.code.order.iter().map(|&block| &self.blocks[block]);
        let entries = self.entries();
        let arms = self.code.order.iter().map(|&block| self.arm(block));
        let opened = self.slots.iter().map(|&id| {
            let (field, span) = (self.field(id), Span::call_site().located_at(self.bindings[id].ident.span()));
            if let (Some(ty), true) = (self.input_type(id), std::ptr::eq(self.flow, self.model.main())) {
                // Its type is asked by the trait, at the type itself.
                let on_any_thread = quote_spanned!(span=> #rt::goes_on_on_any_thread::<#ty>());
                return quote!(#on_any_thread; #rt::open_input::<Self>(&mut __slots.#field););
            }
            if self.bindings[id].asked || self.input_type(id).is_some() {
                return quote_spanned!(span=> #rt::Known(&mut __slots.#field).open(););
            }
            quote_spanned!(span=> #rt::Across::new(&mut __slots.#field).open(); )
        });
        let slots = (!fields.is_empty()).then(|| {
            quote! {
                /// The locals that live across an await.
                struct __Slots<#(#types),*> { #(#names: #kinds),* }
            }
        });
        let slots_made = (!fields.is_empty()).then(|| quote!(let mut __slots = __Slots { #(#names: #made),* };));
        quote! {
            #slots
            /// Where the flow is, between two awaits.
            #[derive(__rt::Clone, __rt::Copy)]
            enum __Block {
                /// Comes first and stands last: by there the type of every slot is known.
                Open,
                #(#blocks),*
            }
            #(#items)*
            let #context = &#handed;
            let (__entry, __live): (__Block, &[usize]) = match __drive.entry() { #entries };
            #slots_made
            let mut __block = __Block::Open;
            // A reference is told from a value by whose method is called.
            use #rt::{IsAValue as _, Moved as _, Next as _, Open as _, Owned as _};
            loop {
                __drive.save(&mut [#(#saved),*]);
                __drive.call().await;
                __block = match __block {
                    #(#arms)*
                    __Block::Open => {
                        #(#opened)*
                        __entry
                    }
                };
            }
        }
    }

    fn entries(&self) -> TokenStream {
        let start = &self.blocks[self.code.order.first().copied().unwrap_or_default()];
        let inputs = self.inputs.iter().filter_map(|&input| self.slot(input)).map(number);
        let last = self.code.calls.len().checked_sub(1);
        let after = self.code.calls.iter().enumerate().map(|(id, call)| {
            let block = &self.blocks[call.after];
            let live = self.live_at(id).into_iter().map(number);
            let state = if Some(id) == last { quote!(_) } else { number(id).to_token_stream() };
            quote!(__rt::Some(#state) => (__Block::#block, &[#(#live),*]),)
        });
        // A machine without a state is only ever entered at its start.
        let none = if last.is_none() { quote!(_) } else { quote!(__rt::None) };
        quote! {
            #none => (__Block::#start, &[#(#inputs),*]),
            #(#after)*
        }
    }

    fn arm(&self, block: BlockId) -> TokenStream {
        let root = self.code.blocks[block].root;
        let mut mentioned = BTreeSet::new();
        let mut declared = BTreeSet::new();
        self.code.walk(root, &mut |node| self.scan(node, &mut mentioned, &mut declared));
        self.changed_form(block, &mut mentioned);
        let mut derived = BTreeMap::new();
        for id in mentioned.clone() {
            self.derive(id, &declared, &mut mentioned, &mut derived);
        }
        let live = &self.solved.live_in[block];
        let held = |id: &BindingId| matches!(self.bindings[*id].kind, Kind::Input | Kind::Local | Kind::Invented);
        // What is needed in parts only is there in parts.
        let apart: BTreeSet<BindingId> = mentioned
            .iter()
            .copied()
            .filter(|id| held(id) && !live.contains_key(id) && !declared.contains(id))
            .filter(|id| self.bindings.fields_of(*id).any(|field| live.contains_key(&field)))
            .collect();
        let taken: BTreeSet<BindingId> = mentioned
            .iter()
            .copied()
            .filter(|id| held(id) && live.contains_key(id) && !declared.contains(id))
            .collect();
        let assigned: Vec<BindingId> = mentioned
            .iter()
            .copied()
            .filter(|id| held(id) && !live.contains_key(id) && !declared.contains(id) && !apart.contains(id))
            .collect();
        let from_slots = taken.iter().map(|&id| {
            let (name, field) = (self.bindings.unique(id), self.field(id));
            let mutable = self.mutability(id);
            quote!(let #mutable #name = __slots.#field.take();)
        });
        let unset = assigned.into_iter().map(|id| {
            let name = self.bindings.unique(id);
            let mutable = self.mutability(id);
            let ty = self.bindings[id].ty.iter();
            quote!(let #mutable #name #(: #ty)*;)
        });
        let parts = apart.iter().map(|&id| self.parts(id, live));
        let derived = derived.values();
        let arm = Arm {
            locals: mentioned.union(&declared).copied().collect(),
            taken: taken.union(&apart).copied().collect(),
            kept: BTreeSet::new(),
            apart: apart.clone(),
            leaving: self
                .targets(block)
                .into_iter()
                .flat_map(|target| self.solved.live_in[target].keys().copied())
                .collect(),
            split: self.solved.split.get(&block).cloned().unwrap_or_default(),
            mentioned,
        };
        let code = self.seq(root, &arm);
        let name = &self.blocks[block];
        let code = quote! {
            #(#from_slots)*
            #(#unset)*
            #(#parts)*
            #(#derived)*
            #code
        };
        let code = self.code.scopes_of(block).into_iter().rfold(code, |code, scope| {
            let items = &self.code.scopes[scope].items;
            quote!(#(#items)* { #code })
        });
        quote!(__Block::#name => 'arm: { #code })
    }

    /// A local of which the arm needs but parts: a value of a type of its own, with those fields.
    fn parts(&self, id: BindingId, live: &Live) -> TokenStream {
        let fields = self.bindings.fields_of(id).filter(|field| live.contains_key(field));
        let fields: Vec<(&Member, Ident)> = fields
            .filter_map(|field| match &self.bindings[field].kind {
                Kind::Field(_, name) => Some((name, self.field(field))),
                _ => None,
            })
            .collect();
        let types: Vec<Ident> = (0..fields.len()).map(|at| format_ident!("T{at}")).collect();
        let (name, mutable) = (self.bindings.unique(id), self.mutability(id));
        let parts = format_ident!("__Parts{id}Of{}", camel(&field_name(&self.bindings[id].frame)));
        let last = fields.iter().filter_map(|(field, ..)| index(field)).max();
        let Some(last) = last else {
            let (names, slots): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
            return quote! {
                struct #parts<#(#types),*> { #(#names: #types),* }
                let #mutable #name = #parts { #(#names: __slots.#slots.take()),* };
            };
        };
        // The fields of a tuple are told apart by their places: nothing stands where one is not needed.
        let (declared, values): (Vec<_>, Vec<_>) = (0..=last)
            .map(|at| match fields.iter().zip(&types).find(|((field, _), _)| index(field) == Some(at)) {
                Some(((_, slot), ty)) => (quote!(#ty), quote!(__slots.#slot.take())),
                None => (quote!(()), quote!(())),
            })
            .unzip();
        quote! {
            struct #parts<#(#types),*>(#(#declared),*);
            let #mutable #name = #parts(#(#values),*);
        }
    }

    /// A local that comes in whole and goes on in parts has to be taken for that, also where it is not mentioned.
    fn changed_form(&self, block: BlockId, mentioned: &mut BTreeSet<BindingId>) {
        let live = &self.solved.live_in[block];
        for target in self.targets(block) {
            for (id, _) in held(&self.solved.live_in[target], self.bindings) {
                if let Kind::Field(of, _) = self.bindings[id].kind
                    && live.contains_key(&of)
                {
                    mentioned.insert(of);
                }
            }
        }
    }

    /// The blocks that a block leads to.
    fn targets(&self, block: BlockId) -> Vec<BlockId> {
        let mut targets = Vec::new();
        self.code.walk(self.code.blocks[block].root, &mut |node| match node {
            Node::Exit(exit) => targets.push(self.code.exits[*exit].target),
            Node::Call(call) => targets.push(self.code.calls[*call].after),
            _ => {}
        });
        targets
    }

    fn mutability(&self, id: BindingId) -> Option<TokenStream> {
        self.bindings[id].mutable.then(|| quote!(mut))
    }

    /// The statements that make this local, and what it is made from, again.
    fn derive(
        &self,
        id: BindingId,
        declared: &BTreeSet<BindingId>,
        mentioned: &mut BTreeSet<BindingId>,
        derived: &mut BTreeMap<(usize, String), TokenStream>,
    ) {
        let Kind::Derived(derivation) = &self.bindings[id].kind else { return };
        if declared.contains(&id) {
            return;
        }
        for &from in &derivation.from {
            mentioned.insert(from);
            // A part is there in the local that it is a part of.
            if let Kind::Field(of, _) = self.bindings[from].kind {
                mentioned.insert(of);
            }
            self.derive(from, declared, mentioned, derived);
        }
        let statement = derivation.statement.to_token_stream();
        let text = statement.to_string();
        // One pattern binds several locals: its statement is made once, where the first of them stands.
        if !derived.keys().any(|(_, known)| *known == text) {
            derived.insert((id, text), statement);
        }
    }

    /// The locals that this node mentions, and those that it declares.
    fn scan(&self, node: &Node, mentioned: &mut BTreeSet<BindingId>, declared: &mut BTreeSet<BindingId>) {
        let mut declare = |visit: &dyn Fn(&mut Declared<'_>)| {
            let mut found = Declared(self.bindings, Vec::new());
            visit(&mut found);
            declared.extend(found.1);
        };
        match node {
            // Declared where it stands if it is assigned in this arm; at the head of each other arm that assigns it.
            Node::Stmt(Stmt::Local(local)) if local.init.is_none() => declare(&|found| found.visit_local(local)),
            Node::Stmt(stmt) => {
                declare(&|found| found.visit_stmt(stmt));
                self.mentions(stmt.to_token_stream(), mentioned);
            }
            Node::If { cond, .. } => {
                declare(&|found| found.visit_expr(cond));
                self.mentions(cond.to_token_stream(), mentioned);
            }
            Node::Match { scrutinee, arms, .. } => {
                declare(&|found| {
                    found.visit_expr(scrutinee);
                    for arm in arms {
                        found.visit_pat(&arm.pat);
                    }
                });
                self.mentions(scrutinee.to_token_stream(), mentioned);
                for arm in arms {
                    self.mentions(arm.pat.to_token_stream(), mentioned);
                }
            }
            Node::LetElse { local, .. } => {
                declare(&|found| found.visit_local(local));
                self.mentions(local.to_token_stream(), mentioned);
            }
            Node::Call(call) => {
                for operand in &self.code.calls[*call].operands {
                    declare(&|found| found.visit_expr(operand));
                    self.mentions(operand.to_token_stream(), mentioned);
                }
            }
            Node::Scope { .. } | Node::Exit(_) | Node::Answer(_) | Node::Passed(_) | Node::ScopeEnd { .. } => {}
        }
    }

    fn mentions(&self, tokens: TokenStream, mentioned: &mut BTreeSet<BindingId>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => mentioned.extend(self.bindings.of(&ident)),
                TokenTree::Group(group) => self.mentions(group.stream(), mentioned),
                TokenTree::Literal(literal) => {
                    tokens::map_captured(&literal, |name| {
                        mentioned.extend(self.bindings.find(name));
                        None
                    });
                }
                TokenTree::Punct(_) => {}
            }
        }
        mentioned.remove(&CONTEXT);
    }

    fn seq(&self, seq: SeqId, arm: &Arm) -> TokenStream {
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
        let bound = super::live::bound(pat, self.bindings);
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
                if super::live::bound(&local.pat, self.bindings).iter().any(needed) {
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

    fn marks<'e>(&'e self, arm: &'e Arm) -> Marks<'e> {
        Marks { emit: self, arm }
    }

    /// Puts back what is needed, and leaves the arm.
    fn exit(&self, exit: ExitId, arm: &Arm) -> TokenStream {
        let target = self.code.exits[exit].target;
        let puts = self.puts(&self.solved.live_in[target], arm);
        let block = &self.blocks[target];
        quote!(#puts break 'arm __Block::#block;)
    }

    fn puts(&self, live: &Live, arm: &Arm) -> TokenStream {
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
        Stmt::Expr(Expr::Macro(mac), None) => super::calls::exit_number(&mac.mac).is_none(),
        last => matches!(last, Stmt::Expr(_, None)),
    };
    let is_bare = block.attrs.is_empty() && block.label.is_none() && !block.block.stmts.last().is_some_and(is_value);
    is_bare.then_some(&block.block.stmts[..])
}

/// The place of a tuple's field.
fn index(field: &Member) -> Option<u32> {
    match field {
        Member::Named(_) => None,
        Member::Unnamed(index) => Some(index.index),
    }
}

/// Puts the way out of the arm in the place of each mark.
struct Marks<'e> {
    emit: &'e Emit<'e>,
    arm: &'e Arm,
}

impl VisitMut for Marks<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Macro(mac) = expr
            && let Some(exit) = super::calls::exit_number(&mac.mac)
        {
            let exit = self.emit.exit(exit, self.arm);
            *expr = Expr::Verbatim(quote!({ #exit }));
            return;
        }
        if super::calls::bare_answer(expr).is_some() {
            *expr = Expr::Verbatim(super::calls::given(expr));
            return;
        }
        syn::visit_mut::visit_expr_mut(self, expr);
    }
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if let Stmt::Expr(Expr::Macro(mac), _) = stmt
            && let Some(exit) = super::calls::exit_number(&mac.mac)
        {
            *stmt = Stmt::Expr(Expr::Verbatim(self.emit.exit(exit, self.arm)), None);
            return;
        }
        syn::visit_mut::visit_stmt_mut(self, stmt);
    }
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
