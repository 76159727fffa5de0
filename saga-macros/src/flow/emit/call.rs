//! How an arm asks for what it ends in, and how the next one takes the answer.

use super::{Emit, arm::Arm};
use crate::{
    emit as dispatch,
    flow::code::{Branch, Call, CallId, Job},
    flow::lower::fan_out,
    model::{Callee, Child, ChildKind, Model, Role, Work},
    pretty::number,
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
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
        Job::Send => Work::Send,
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
        let answer = &call.answer;
        let answers = match &call.job {
            Job::Call(Branch { callee, .. }) => {
                let ty = match callee {
                    Callee::Step(step) => &model.steps[*step].output,
                    Callee::Flow(flow) => &model.flows[*flow].output,
                };
                let returning = returning(model, *callee);
                return quote!(let #answer: (#ty,) = (__drive.answer(&#returning),););
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
            Job::Send => quote!(__rt::Sent),
        };
        quote!(let #answer = (__drive.answer(&#answers),);)
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
            Job::Sleep(_) | Job::Wait { .. } => {
                let verb = written(call, operands);
                quote!(__drive.begin_wait(#state, #verb);)
            }
            Job::Child { .. } | Job::Launch { .. } => {
                let (verb, local) = (written(call, operands), self.stored(id, &call.operands[0]));
                let local = crate::analyze::optional(local);
                quote!(__drive.begin_child(#state, #verb, #local);)
            }
            Job::Send => {
                let verb = written(call, operands);
                quote!(__drive.begin_send(#state, #verb);)
            }
        }
    }

    /// Hands out the arguments of a call of a step or an inner flow: the call as it is written, of a method of the same
    /// parameters.
    fn arguments<'e>(&self, id: CallId, branch: &Branch, mut operands: impl Iterator<Item = &'e Expr>) -> TokenStream {
        let parameters = self.model.parameters(branch.callee);
        let mut call = branch.call.clone();
        let mut locals = Vec::new();
        for (index, argument) in call.args.iter_mut().enumerate() {
            if branch.parameters.contains(&index)
                && let Some(operand) = operands.next()
            {
                if parameters.get(index).is_some_and(|parameter| matches!(parameter.role, Role::Argument { .. })) {
                    locals.push(self.stored(id, operand));
                }
                *argument = operand.clone();
            }
        }
        while locals.last().is_some_and(Option::is_none) {
            locals.pop();
        }
        let locals = locals.into_iter().map(crate::analyze::optional);
        call.method = dispatch::asking(&call.method);
        *call.receiver = Expr::Verbatim(quote!(__Calls::<Self>(&mut __drive, &[#(#locals),*], __rt::PhantomData)));
        quote!(#call;)
    }

    /// The name of the local that an operand is, if it is nothing else and is saved at this call.
    fn stored(&self, call: CallId, operand: &Expr) -> Option<&str> {
        let local = same_local(operand).and_then(|ident| self.bindings.of(ident))?;
        let after = &self.solved.live_in[self.code.calls[call].after];
        let saved = after.contains_key(&local) && self.slot(local).is_some();
        saved.then(|| self.bindings[local].frame.as_str())
    }
}

/// A verb of the context as it is written, with its operands: what there is in it to be evaluated. The signals of a wait are
/// none.
fn written(call: &Call, operands: &[Expr]) -> Expr {
    fn put(written: &mut Expr, operands: &mut dyn Iterator<Item = &Expr>) {
        match written {
            Expr::Paren(paren) => put(&mut paren.expr, operands),
            Expr::MethodCall(call) => {
                put(&mut call.receiver, operands);
                if call.method == "wait" {
                    return;
                }
                for argument in &mut call.args {
                    if let Some(operand) = operands.next() {
                        *argument = operand.clone();
                    }
                }
            }
            _ => {}
        }
    }
    let mut written = call.written.clone();
    put(&mut written, &mut operands.iter());
    written
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
