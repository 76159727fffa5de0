//! The definition as a const expression.

use crate::{
    analyze::optional,
    model::{Callee, Child, ChildKind, Class, Flow, Machine, Machines, Model, Role, Signal, State, Step, Work},
    parse::duration_tokens,
    pretty::number,
};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

/// `&Definition { .. }`, which the compiler promotes to a static in generic impls as well. Where there is nothing of the
/// user's, the names of `definition` are in scope; the types of children are the user's.
pub(super) fn definition(model: &Model, machines: &Machines) -> TokenStream {
    let Model { name, version, .. } = model;
    let version = Literal::u32_unsuffixed(*version);
    let deadline = optional(model.deadline.map(|(deadline, _)| duration_tokens(deadline)));
    let steps = named(model.steps.iter().map(step));
    let flows = model.flows.iter().zip(&machines.flows);
    let flows = named(flows.map(|(flow, machine)| self::flow(model, machines, flow, machine)));
    let signals = model.signals.iter().map(|Signal { name, docs, .. }| quote!(Signal { name: #name, docs: #docs }));
    let signals = named(signals);
    let children = machines.children.iter().map(|Child { ty, kind }| {
        let kind = match kind {
            ChildKind::Compensatable => quote!(Compensatable),
            ChildKind::Pivot => quote!(Pivot),
            ChildKind::Retriable => quote!(Retriable),
            ChildKind::Launched => quote!(Launched),
        };
        quote!(__def::Child { definition: <#ty as __rt::Saga>::definition, kind: __def::ChildKind::#kind })
    });
    quote! {
        &__def::Definition {
            name: #name,
            version: #version,
            deadline: #deadline,
            steps: #steps,
            flows: #flows,
            signals: #signals,
            children: &[#(#children),*],
        }
    }
}

/// A list, in which the names of `definition` are in scope.
fn named(items: impl Iterator<Item = TokenStream>) -> TokenStream {
    let mut items = items.peekable();
    if items.peek().is_none() { quote!(&[]) } else { quote!({ use __def::*; &[#(#items),*] }) }
}

/// One flow.
fn flow(model: &Model, machines: &Machines, flow: &Flow, machine: &Machine) -> TokenStream {
    let states = machine.states.iter().map(|state| {
        let State { name, work, live } = state;
        let fingerprint = fingerprint(model, machines, machine, state);
        let (work, live) = (self::work(work), live.iter().copied().map(number));
        quote!(State { name: #name, work: Work::#work, live: &[#(#live),*], fingerprint: #fingerprint })
    });
    let (name, docs, Machine { slots, nodes, edges, .. }) = (flow.name(), &flow.docs, machine);
    let parameters = flow.inputs.iter().map(|input| input.ident.unraw().to_string());
    quote! {
        Flow {
            name: #name,
            docs: #docs,
            parameters: &[#(#parameters),*],
            states: &[#(#states),*],
            slots: &[#(#slots),*],
            nodes: &[#(#nodes),*],
            edges: &[#(#edges),*],
        }
    }
}

/// A state's work, as a case of `Work`.
fn work(work: &Work) -> TokenStream {
    let called = |callee: &Callee| match callee {
        Callee::Step(step) => {
            let step = number(*step);
            quote!(Step(#step))
        }
        Callee::Flow(flow) => {
            let flow = number(*flow);
            quote!(Flow(#flow))
        }
    };
    match work {
        Work::Call(call) => called(call),
        Work::Join(branches) => {
            let branches = branches.iter().map(called);
            quote!(Join(&[#(Branch::#branches),*]))
        }
        Work::Each(branch) => {
            let branch = called(branch);
            quote!(Each(Branch::#branch))
        }
        Work::Sleep => quote!(Sleep),
        Work::Wait { signals, .. } => {
            let signals = signals.iter().copied().map(number);
            quote!(Wait(&[#(#signals),*]))
        }
        Work::Child(child) => {
            let child = number(*child);
            quote!(Child(#child))
        }
        Work::Send => quote!(Send),
    }
}

/// One step: what it says of itself, on top of what always is.
fn step(step: &Step) -> TokenStream {
    let Step { name, docs, policy, policy_name, key_valid, idempotent, no_compensation, .. } = step;
    let class = match step.class {
        Class::Compensatable => quote!(Compensatable),
        Class::Pivot => quote!(Pivot),
        Class::Retriable => quote!(Retriable),
        Class::ReadOnly => quote!(ReadOnly),
        Class::NotCompensated => quote!(NotCompensated),
    };
    let parameters = arguments(step);
    let compensation = step.compensation.as_ref().map(|compensation| &compensation.definition);
    let said = [
        (!docs.is_empty()).then(|| quote!(docs: #docs)),
        Some(quote!(class: Class::#class)),
        compensation.map(|compensation| quote!(compensation: __rt::Some(#compensation))),
        (!parameters.is_empty()).then(|| quote!(parameters: &[#(#parameters),*])),
        policy.as_ref().map(|policy| quote!(policy: #policy)),
        policy_name.as_ref().map(|name| quote!(policy_name: __rt::Some(#name))),
        idempotent.as_ref().map(|why| quote!(idempotent: __rt::Some(#why))),
        no_compensation.as_ref().map(|why| quote!(no_compensation: __rt::Some(#why))),
        step.transactional.then(|| quote!(transactional: true)),
        key_valid.map(duration_tokens).map(|valid| quote!(key_valid: __rt::Some(#valid))),
    ];
    let said = said.iter().flatten();
    quote!(Step { name: #name, #(#said,)* ..Step::PLAIN })
}

/// The names of a step's arguments.
fn arguments(step: &Step) -> Vec<String> {
    let is_argument = |role: &Role| matches!(role, Role::Argument { .. });
    step.parameters.iter().filter(|parameter| is_argument(&parameter.role)).map(crate::model::Parameter::name).collect()
}

/// What a build must agree on to resume at a state, as 16 hexadecimal digits: the kind of work, the names of what is called
/// and of its arguments, the signals that are waited for, and the names of the live locals, whose order does not matter.
fn fingerprint(model: &Model, machines: &Machines, machine: &Machine, state: &State) -> String {
    let mut live: Vec<_> = state.live.iter().map(|slot| machine.slots[*slot].as_str()).collect();
    live.sort_unstable();
    let parts = asked(model, machines, &state.work).into_iter().chain([String::new()]);
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

/// The names in a state's work. The kind of work stands in parentheses, as no name does; a step's is left out.
fn asked(model: &Model, machines: &Machines, work: &Work) -> Vec<String> {
    let called = |callee: Callee| match callee {
        Callee::Step(step) => {
            let step = &model.steps[step];
            // What it means that its answer is missing is another thing then.
            let within = step.transactional.then(|| "(transaction)".to_owned());
            [step.name.clone()].into_iter().chain(within).chain(arguments(step)).collect::<Vec<_>>()
        }
        Callee::Flow(flow) => {
            let flow = &model.flows[flow];
            let inputs = flow.inputs.iter().map(|input| input.ident.unraw().to_string());
            ["(flow)".to_owned(), flow.name()].into_iter().chain(inputs).collect()
        }
    };
    let kind = |kind: &str, names: Vec<String>| [kind.to_owned()].into_iter().chain(names).collect();
    match work {
        Work::Call(call) => called(*call),
        Work::Join(branches) => {
            let each = |callee: &Callee| kind("(branch)", called(*callee));
            kind("(join)", branches.iter().flat_map::<Vec<String>, _>(each).collect())
        }
        Work::Each(branch) => kind("(each)", called(*branch)),
        Work::Sleep => kind("(sleep)", Vec::new()),
        Work::Wait { signals, ends } => {
            let names = signals.iter().map(|&signal| model.signals[signal].name.clone()).collect();
            kind(if *ends { "(wait)" } else { "(wait for ever)" }, names)
        }
        Work::Child(child) => {
            let Child { ty, kind: is } = &machines.children[*child];
            kind(if *is == ChildKind::Launched { "(launch)" } else { "(child)" }, vec![crate::pretty::tokens(ty)])
        }
        Work::Send => kind("(send)", Vec::new()),
    }
}
