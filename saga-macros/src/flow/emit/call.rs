//! How an arm asks for what it ends in, and how the next one takes the answer.

use super::{Arm, Emit};
use crate::{
    emit as dispatch,
    flow::code::{Branch, Call, CallId, Job, Until},
    flow::lower::fan_out,
    model::{Callee, Child, ChildKind, Model, Role, Work},
    pretty::number,
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, visit_mut::VisitMut};

/// What the state before this call is the point before; `past`: it stands past the pivot. Another saga that it starts is
/// added to `children`.
pub(super) fn work(call: &Call, past: bool, children: &mut Vec<Child>) -> Work {
    let mut child = |ty: &syn::Type, kind| {
        children.push(Child { ty: ty.clone(), kind });
        Work::Child(children.len() - 1)
    };
    match &call.job {
        Job::Call(branch) => Work::Call(branch.callee),
        Job::Join(_) => Work::Join(call.callees()),
        Job::Each(branch) => Work::Each(branch.callee),
        Job::Sleep(_) => Work::Sleep,
        Job::Wait { which, until, .. } => Work::Wait { signals: which.clone(), ends: until.is_some() },
        Job::Child { ty, pivot: true, .. } => child(ty, ChildKind::Pivot),
        Job::Child { ty, .. } if past => child(ty, ChildKind::Retriable),
        Job::Child { ty, .. } => child(ty, ChildKind::Compensatable),
        Job::Launch { ty } => child(ty, ChildKind::Launched),
        Job::Send { .. } => Work::Send,
    }
}

/// What the machine can do with the answer of this call.
fn returning(model: &Model, callee: Callee) -> TokenStream {
    match callee {
        Callee::Step(step) => dispatch::returning(&model.steps[step]),
        Callee::Flow(flow) => dispatch::flow_returning(&model.flows[flow]),
    }
}

impl Emit<'_> {
    /// Takes the answer.
    pub(super) fn answer(&self, call: CallId) -> TokenStream {
        let (model, call) = (self.model, &self.code.calls[call]);
        let answer = Ident::new("__answer", Span::call_site().located_at(call.span));
        let answers = match &call.job {
            Job::Call(Branch { callee, .. }) => {
                let ty = match callee {
                    Callee::Step(step) => &model.steps[*step].output,
                    Callee::Flow(flow) => &model.flows[*flow].output,
                };
                let returning = returning(model, *callee);
                return quote!(let #answer: #ty = __drive.answer(&#returning););
            }
            Job::Join(branches) => {
                let each = branches.iter().map(|branch| returning(model, branch.callee));
                quote!(__rt::Joined((#(#each,)*)))
            }
            Job::Each(branch) => {
                let each = returning(model, branch.callee);
                quote!(__rt::Each(#each))
            }
            Job::Sleep(_) => quote!(__rt::Slept),
            Job::Wait { signals, until: Some(_), .. } => quote!(__rt::Received(#signals)),
            Job::Wait { signals, until: None, .. } => quote!(__rt::ReceivedInTheEnd(#signals)),
            Job::Child { ty, .. } => quote!(__rt::a_child_returns::<#ty>()),
            Job::Launch { .. } => quote!(__rt::Launched),
            Job::Send { .. } => quote!(__rt::Sent),
        };
        quote!(let #answer = __drive.answer(&#answers);)
    }

    /// Asks for it, puts back what is needed, and leaves the arm.
    pub(super) fn call(&self, id: CallId, arm: &Arm) -> TokenStream {
        let call = &self.code.calls[id];
        let live = self.live_at(id);
        let operands: Vec<Expr> = call
            .operands
            .iter()
            .cloned()
            .map(|mut operand| {
                self.marks(arm).visit_expr_mut(&mut operand);
                operand
            })
            .collect();
        let (state, live) = (number(id), live.into_iter().map(number));
        let asked = self.asked(id, call, &quote!(#state, &[#(#live),*]), &operands);
        let puts = self.puts(&self.solved.live_in[call.after], arm);
        let block = &self.blocks[call.after];
        quote! {
            #asked
            #puts
            break 'arm __Block::#block;
        }
    }

    fn asked(&self, id: CallId, call: &Call, state: &TokenStream, operands: &[Expr]) -> TokenStream {
        let until = |until: Option<Until>| match (until, operands.last()) {
            (Some(Until::After), Some(span)) => quote!(__rt::Some(__rt::Until::after(#span))),
            (Some(Until::At), Some(at)) => quote!(__rt::Some(__rt::Until::At(#at))),
            _ => quote!(__rt::None),
        };
        match &call.job {
            Job::Call(branch) => {
                let arguments = self.arguments(id, branch, operands.iter());
                quote!(__drive.begin(#state); #arguments)
            }
            Job::Join(branches) => {
                let mut rest = operands.iter();
                let branches = branches.iter().map(|branch| {
                    let own: Vec<&Expr> = rest.by_ref().take(branch.parameters.len()).collect();
                    let arguments = self.arguments(id, branch, own.into_iter());
                    quote!(__drive.branch(); #arguments)
                });
                let branches: TokenStream = branches.collect();
                quote!(__drive.begin_join(#state, __rt::None); #branches)
            }
            Job::Each(branch) => {
                let Some((items, taken, arguments)) = operands.first().and_then(fan_out) else {
                    return TokenStream::new();
                };
                let arguments = self.arguments(id, branch, arguments.into_iter());
                let limit = operands.last();
                quote! {
                    __drive.begin_join(#state, __rt::None);
                    for __item in #items { #taken __drive.branch(); #arguments }
                    __drive.limit(#limit);
                }
            }
            Job::Sleep(span) => {
                let until = until(Some(*span));
                quote!(__drive.begin_wait(#state, #until);)
            }
            Job::Wait { until: end, .. } => {
                let until = until(*end);
                quote!(__drive.begin_wait(#state, #until);)
            }
            Job::Child { ty, until: end, .. } => {
                let (input, local, until) = (&operands[0], self.stored(id, &call.operands[0]), until(*end));
                let local = crate::analyze::optional(local);
                quote!(__drive.begin_child::<#ty>(#state, #input, #local, #until);)
            }
            Job::Launch { ty } => {
                let (input, local) = (&operands[0], self.stored(id, &call.operands[0]));
                let local = crate::analyze::optional(local);
                quote!(__drive.begin_child::<#ty>(#state, #input, #local, __rt::None);)
            }
            Job::Send { types } => quote!(__drive.begin_send(#state, __rt::SignalTo::new #types (#(#operands),*));),
        }
    }

    /// Hands out the arguments of a call of a step or an inner flow.
    fn arguments<'e>(&self, id: CallId, branch: &Branch, operands: impl Iterator<Item = &'e Expr>) -> TokenStream {
        let parameters = self.model.parameters(branch.callee);
        let arguments = branch.parameters.iter().zip(operands).filter_map(|(&index, operand)| {
            let parameter =
                parameters.get(index).filter(|parameter| matches!(parameter.role, Role::Argument { .. }))?;
            Some(dispatch::argument(parameter, &operand.to_token_stream(), self.stored(id, operand)))
        });
        arguments.collect()
    }

    /// The name of the local that an operand is, if it is nothing else and is saved at this call.
    fn stored(&self, call: CallId, operand: &Expr) -> Option<&str> {
        let local = same_local(operand).and_then(|ident| self.bindings.of(ident))?;
        let after = &self.solved.live_in[self.code.calls[call].after];
        let saved = after.contains_key(&local) && self.slot(local).is_some();
        saved.then(|| self.bindings[local].frame.as_str())
    }
}

/// The local that an argument is, if it is nothing else.
fn same_local(argument: &Expr) -> Option<&Ident> {
    match argument {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Reference(reference) => same_local(&reference.expr),
        Expr::Paren(paren) => same_local(&paren.expr),
        Expr::MethodCall(call) if call.method == "clone" && call.args.is_empty() => same_local(&call.receiver),
        _ => None,
    }
}
