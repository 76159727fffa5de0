//! The lowered flow as the machine's tokens.

mod arm;
mod call;
mod names;
mod node;

use super::{
    bindings::{BindingId, Bindings, CONTEXT},
    check::AfterPivot,
    code::{CallId, Code},
    draft::Draft,
    solve::{Solved, held},
};
use crate::{
    model::{Child, Flow, Machine, Model, State},
    pretty::number,
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Item, Type};

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
}
