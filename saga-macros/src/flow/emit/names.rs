//! What the machine's arms and slots are called: after what the user called it, so that what is generated can be read.

use crate::{
    flow::{
        bindings::{BindingId, Bindings, field_name},
        draft::Draft,
    },
    pretty::camel,
};
use proc_macro2::{Ident, Span};
use std::collections::{BTreeMap, BTreeSet};

/// The names of all arms: `Start`, `AfterReserve`, `EachLine`.
pub(super) fn blocks(draft: &Draft) -> Vec<Ident> {
    let code = &draft.lowered.code;
    let mut names: Vec<String> = code.blocks.iter().map(|block| block.name.clone()).collect();
    for (call, state) in code.calls.iter().zip(&draft.names) {
        names[call.after] = format!("After{}", camel(state));
    }
    // That one is there in every machine.
    let mut taken = BTreeSet::from(["Open".to_owned()]);
    let mut own = vec![Ident::new("__Unreached", Span::call_site()); names.len()];
    for &block in &code.order {
        own[block] = Ident::new(&once(&mut taken, &names[block], |_| true), Span::call_site());
    }
    own
}

/// The names of these locals' slots.
pub(super) fn fields(ids: impl Iterator<Item = BindingId>, bindings: &Bindings) -> BTreeMap<BindingId, Ident> {
    let mut taken = BTreeSet::new();
    ids.map(|id| {
        let name = once(&mut taken, &field_name(&bindings[id].frame), |name| bindings.find(name).is_none());
        let ident = syn::parse_str(&name).unwrap_or_else(|_| Ident::new_raw(&name, Span::call_site()));
        (id, ident)
    })
    .collect()
}

/// This name, or with a number behind it if it is taken or unfit. (What looks like one of our own names for a local would be
/// given the local's.)
fn once(taken: &mut BTreeSet<String>, name: &str, fit: impl Fn(&str) -> bool) -> String {
    let numbered = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}{number}")));
    let free = numbered.into_iter().find(|name| fit(name) && !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}
