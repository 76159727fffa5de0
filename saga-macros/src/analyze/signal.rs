//! `#[signal]` constants.

use crate::{
    errors::Errors,
    model::Signal,
    owned::bare,
    parse::{SIGNAL, SagaImpl, check_name, docs},
};
use syn::{Expr, GenericArgument, ImplItemConst, Lit, LitStr, PathArguments, Type};

/// The signals that can be read; what is wrong with others is reported.
pub(super) fn signals(saga: &SagaImpl, errors: &mut Errors) -> Vec<Signal> {
    let mut signals: Vec<(Signal, LitStr)> = Vec::new();
    for item in &saga.signals {
        signals.extend(signal(item, errors));
    }
    for (index, (signal, literal)) in signals.iter().enumerate() {
        let same = |(other, (known, _)): (usize, &(Signal, LitStr))| other != index && known.name == signal.name;
        if signals.iter().enumerate().any(same) {
            errors.at(
                "duplicate_name",
                literal,
                format_args!(
                    "two signals have the durable name `{}`, and whoever waits for one would get the other\nhelp: give one \
                     of them another",
                    signal.name
                ),
            );
        }
    }
    signals.into_iter().map(|(signal, _)| signal).collect()
}

/// One signal, and the literal of its name.
fn signal(item: &ImplItemConst, errors: &mut Errors) -> Option<(Signal, LitStr)> {
    let Some(ty) = value_type(&item.ty) else {
        errors.at(
            "signature",
            &item.ty,
            format_args!(
                "signal `{}` is no `Signal<Self, ..>` of this saga and one type of value\n{SIGNAL}",
                item.ident
            ),
        );
        return None;
    };
    let Some(literal) = name(&item.expr) else {
        errors.at(
            "signature",
            &item.expr,
            format_args!("signal `{}` does not say its durable name as a literal\n{SIGNAL}", item.ident),
        );
        return None;
    };
    if let Err(reason) = check_name(&literal.value()) {
        errors.at("bad_value", &literal, reason);
    }
    let docs = docs(&item.attrs);
    Some((Signal { ident: item.ident.clone(), name: literal.value(), ty: ty.clone(), docs }, literal))
}

/// `T` of `Signal<Self, T>`.
fn value_type(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (last.ident == "Signal", arguments.args.len(), arguments.args.get(1)) {
        (true, 2, Some(GenericArgument::Type(value))) => Some(value),
        _ => None,
    }
}

/// The literal of `Signal::new("decided")`.
fn name(expr: &Expr) -> Option<LitStr> {
    let Expr::Call(call) = expr else { return None };
    match (call.args.len(), call.args.first()) {
        (1, Some(Expr::Lit(lit))) => match &lit.lit {
            Lit::Str(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}
