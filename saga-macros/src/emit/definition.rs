//! The definition as a const expression.

use crate::{
    analyze::optional,
    model::{Class, Machine, Model, Role, State, Step},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

/// `&Definition { .. }`, which the compiler promotes to a static in generic impls as well.
pub(super) fn definition(model: &Model, machine: &Machine) -> TokenStream {
    let Model { name, version, flow, .. } = model;
    let docs = &flow.docs;
    let steps = model.steps.iter().map(step);
    let states = machine.states.iter().map(|state| {
        let State { name, step, live } = state;
        let fingerprint = fingerprint(model, machine, state);
        quote!(__def::State { name: #name, work: __def::Work::Step(#step), live: &[#(#live),*], fingerprint: #fingerprint })
    });
    let Machine { slots, nodes, edges, .. } = machine;
    let method = flow.method.sig.ident.unraw().to_string();
    let parameter = flow.input.unraw().to_string();
    quote! {
        &__def::Definition {
            name: #name,
            version: #version,
            deadline: ::core::option::Option::None,
            steps: &[#(#steps),*],
            flows: &[__def::Flow {
                name: #method,
                docs: #docs,
                parameters: &[#parameter],
                states: &[#(#states),*],
                slots: &[#(#slots),*],
                nodes: &[#(#nodes),*],
                edges: &[#(#edges),*],
            }],
            signals: &[],
            children: &[],
        }
    }
}

/// One step.
fn step(step: &Step) -> TokenStream {
    let Step { name, docs, policy, policy_name, key_valid, .. } = step;
    let class = match step.class {
        Class::Compensatable => quote!(Compensatable),
        Class::Pivot => quote!(Pivot),
        Class::Retriable => quote!(Retriable),
        Class::ReadOnly => quote!(ReadOnly),
        Class::NotCompensated => quote!(NotCompensated),
    };
    let compensation = optional(step.compensation.as_ref().map(|compensation| &compensation.definition));
    let parameters = arguments(step);
    let idempotent = optional(step.idempotent.as_deref());
    let no_compensation = optional(step.no_compensation.as_deref());
    quote! {
        __def::Step {
            name: #name,
            docs: #docs,
            class: __def::Class::#class,
            compensation: #compensation,
            parameters: &[#(#parameters),*],
            policy: #policy,
            policy_name: #policy_name,
            idempotent: #idempotent,
            no_compensation: #no_compensation,
            key_valid: #key_valid,
        }
    }
}

/// The names of a step's arguments.
fn arguments(step: &Step) -> Vec<String> {
    let is_argument = |role: &Role| matches!(role, Role::Argument { .. });
    step.parameters.iter().filter(|parameter| is_argument(&parameter.role)).map(crate::model::Parameter::name).collect()
}

/// What a build must agree on to resume at a state, as 16 hexadecimal digits: the step, its argument names, and the names
/// of the live locals, whose order does not matter.
fn fingerprint(model: &Model, machine: &Machine, state: &State) -> String {
    let step = &model.steps[state.step];
    let mut live: Vec<_> = state.live.iter().map(|slot| machine.slots[*slot].as_str()).collect();
    live.sort_unstable();
    let parts = [step.name.clone()].into_iter().chain(arguments(step)).chain([String::new()]);
    let parts = parts.chain(live.into_iter().map(str::to_owned));
    // FNV-1a (Fowler, Noll, Vo), 64 bits: the same in every build, on every machine. Each part ends in a byte that no
    // name contains.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
