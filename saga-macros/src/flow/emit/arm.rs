//! One arm: what it takes from the slots, makes again, and declares, before its code.

use super::Emit;
use crate::{
    flow::{
        bindings::{BindingId, CONTEXT, Kind, field_name},
        code::{BlockId, Node},
        live::{Declared, Live},
        solve::held,
        tokens,
    },
    pretty::camel,
};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Member, Stmt, visit::Visit};

/// An arm, while it is emitted.
#[derive(Clone)]
pub(super) struct Arm {
    /// The locals that it takes from their slots.
    pub(super) taken: BTreeSet<BindingId>,
    /// Those of which it takes parts.
    pub(super) apart: BTreeSet<BindingId>,
    /// The locals of which a copy was kept, because the code moves them.
    pub(super) kept: BTreeSet<BindingId>,
    /// The parts of parts that its code moves or copies although the whole is needed after it.
    pub(super) split: Vec<(BindingId, syn::ExprField)>,
    /// Every local that its code mentions.
    pub(super) mentioned: BTreeSet<BindingId>,
    /// Every local that it has, at one place or another.
    pub(super) locals: BTreeSet<BindingId>,
    /// The locals that are needed after it.
    pub(super) leaving: BTreeSet<BindingId>,
}

impl Emit<'_> {
    pub(super) fn arm(&self, block: BlockId) -> TokenStream {
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
}

/// The place of a tuple's field.
fn index(field: &Member) -> Option<u32> {
    match field {
        Member::Named(_) => None,
        Member::Unnamed(index) => Some(index.index),
    }
}
