//! One `#[compensate]` method, and what it must agree upon with its step.

use super::{
    policy::Policy,
    returns::Returns,
    signature::{self, Written},
    step,
};
use crate::{
    errors::Errors,
    model::{Class, Compensation, Parameter, Role, Step},
    owned::{bare, owned},
    parse::{Method, duration_tokens, similar},
    pretty,
};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;
use std::{collections::BTreeSet, fmt::Write as _};
use syn::{GenericArgument, Ident, PathArguments, Type, ext::IdentExt, spanned::Spanned};

/// Reads every compensation and gives each to its step.
pub(super) fn pair(methods: &[Method], steps: &mut [(Step, &Method)], errors: &mut Errors) {
    let callable: BTreeSet<_> = steps
        .iter()
        .map(|(step, _)| step.ident.to_string())
        .chain(methods.iter().map(|method| method.sig.ident.to_string()))
        .collect();
    let others: Vec<_> = steps.iter().map(|(step, method)| Other::of(step, method)).collect();
    let mut first: Vec<Option<&Ident>> = vec![None; steps.len()];
    for method in methods {
        let Some((index, target)) = target(method, steps, errors) else {
            // Its step is unknown, but what can be said of the method alone is still said.
            let written = signature::check(method, "compensation", errors);
            step::parameters(&written, "compensation", &method.sig.ident, errors);
            returns(method, errors);
            continue;
        };
        let (step, step_method) = &mut steps[index];
        if let Some(first) = first[index] {
            for target in [first, target] {
                errors.at(
                    "compensated_twice",
                    target,
                    format_args!("step `{}` has two compensations\nhelp: make one of the two", step.ident),
                );
            }
            continue;
        }
        first[index] = Some(target);
        useless(step, target, errors);
        let compensation = compensation(method, step, step_method, &others, errors);
        calls(&method.body, &callable, &method.sig.ident, errors);
        step.compensation = Some(compensation);
    }
    // An undo that does not say whose it is may be this one's, and a word that is no option may have been a class.
    let unclear = methods.iter().any(|method| method.options.target.is_none());
    for (step, method) in steps {
        if step.class == Class::Compensatable && step.compensation.is_none() && !unclear && !method.options.unclear {
            missing(step, method, errors);
        }
    }
}

/// A step, as the source of what a compensation of another one cannot have.
struct Other {
    name: Ident,
    /// The type of its output, as text; nothing where many things have it.
    output: Option<String>,
}

impl Other {
    fn of(step: &Step, method: &Method) -> Self {
        let output = Returns::of(&method.sig.output).ok().map(pretty::tokens);
        let common = ["()", "bool", "String", "u32", "u64", "usize", "i32", "i64"];
        Self { name: step.ident.clone(), output: output.filter(|output| !common.contains(&output.as_str())) }
    }

    /// Whether this parameter is called like the step, or has the type of what it gives.
    fn gives(&self, parameter: &Written<'_>, text: &impl Fn(&Type) -> String) -> bool {
        *parameter.ident == self.name || self.output.as_deref().is_some_and(|output| text(parameter.ty) == output)
    }
}

/// The step that a compensation names.
fn target<'m>(method: &'m Method, steps: &[(Step, &Method)], errors: &mut Errors) -> Option<(usize, &'m Ident)> {
    let Some(target) = &method.options.target else {
        errors.span(
            "unknown_step",
            method.options.span,
            format_args!(
                "`{}` does not say which step it undoes\nhelp: name the step's method: `#[compensate(reserve)]`",
                method.sig.ident
            ),
        );
        return None;
    };
    if let Some(index) = steps.iter().position(|(step, _)| step.ident == *target) {
        return Some((index, target));
    }
    let names: Vec<_> = steps.iter().map(|(step, _)| step.ident.to_string()).collect();
    let close = similar(&target.to_string(), names.iter().map(String::as_str));
    let help = match close {
        Some(close) => format!("help: did you mean `#[compensate({close})]`?"),
        None if names.is_empty() => "help: annotate the method that it undoes with `#[step]`".to_owned(),
        None => format!(
            "help: the steps are {}",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    errors.at("unknown_step", target, format_args!("there is no step `{target}`\n{help}"));
    // What was probably meant is not reported as a step without a compensation as well.
    Some((names.iter().position(|name| Some(name.as_str()) == close)?, target))
}

/// A step that cannot be undone, or has nothing to undo.
fn useless(step: &Step, target: &Ident, errors: &mut Errors) {
    let why = match step.class {
        Class::Compensatable => return,
        Class::ReadOnly => "is read-only: it changes nothing that could be undone",
        Class::Pivot => "is the pivot: once it is done the saga only goes forward",
        Class::Retriable => "is retriable: it stands after the pivot, where nothing is undone",
        Class::NotCompensated => "says `no_compensation`",
    };
    for span in [step.class_span, target.span()] {
        errors.span(
            "useless_compensation",
            span,
            format_args!(
                "this compensation never runs: step `{}` {why}\nhelp: remove the compensation or the class",
                step.ident
            ),
        );
    }
}

/// A step with an effect that nothing undoes.
fn missing(step: &Step, method: &Method, errors: &mut Errors) {
    let mut parameters = String::from("&self, cx: &StepContext");
    for parameter in &step.parameters {
        if let Role::Argument { .. } = parameter.role {
            let _ = write!(parameters, ", {}: {}", parameter.ident, pretty::tokens(&parameter.ty));
        }
    }
    let ok = Returns::of(&method.sig.output).ok().map_or_else(|| "..".to_owned(), pretty::tokens);
    // What a transactional step did is never in doubt.
    let output = if step.transactional { ok } else { format!("Outcome<{ok}>") };
    let name = step.ident.unraw();
    errors.at(
        "missing_compensation",
        &step.ident,
        format_args!(
            "step `{name}` has no compensation: if the saga gives up later, what it did stays done\n\
             help: undo it:\n    \
             #[compensate({name})]\n    \
             async fn undo_{name}({parameters}, output: {output}) -> Result<(), Transient> {{ .. }}\n\
             help: or say why there is none: `#[step(pivot)]` if it is the last step that may be refused, \
             `#[step(retriable)]` if it stands after that, `#[step(read_only)]` if it changes nothing, otherwise `#[step(no_compensation = \"why\")]`",
        ),
    );
}

/// Reads the method against its step.
fn compensation(
    method: &Method,
    step: &Step,
    step_method: &Method,
    all: &[Other],
    errors: &mut Errors,
) -> Compensation {
    let written = signature::check(method, "compensation", errors);
    let name = &method.sig.ident;
    let (outputs, others): (Vec<_>, Vec<_>) =
        written.iter().copied().partition(|parameter| is_output(step, step_method, parameter));
    for output in outputs.iter().skip(1) {
        errors.at(
            "compensation_inputs",
            output.ident,
            format_args!(
                "compensation `{name}` takes the output of `{}` twice\nhelp: remove one of the two",
                step.ident
            ),
        );
    }
    let mut unknown = Vec::new();
    for parameter in &others {
        if signature::context(parameter.ty).is_none() && !is_argument(step, parameter.ident) {
            unknown.push(parameter.ident);
            inputs(parameter, name, (step, step_method), all, errors);
        }
    }
    let mut parameters = Vec::new();
    for parameter in &written {
        if unknown.contains(&parameter.ident) {
            continue;
        }
        if is_output(step, step_method, parameter) {
            if let Err(why) = owned(outcome(parameter.ty).unwrap_or(parameter.ty)) {
                errors.span(
                    "unownable_argument",
                    why.span,
                    format_args!(
                        "the output in `{}` cannot be read back: {}\nhelp: {}",
                        parameter.ident, why.reason, why.help
                    ),
                );
            }
            parameters.push(Parameter { ident: parameter.ident.clone(), ty: parameter.ty.clone(), role: Role::Output });
        } else {
            parameters.extend(step::parameters(std::slice::from_ref(parameter), "compensation", name, errors));
        }
    }
    returns(method, errors);

    let (policy, within) = Policy::of_compensation(&method.options, errors);
    let idempotent = method.options.reason("idempotent", errors);
    let has_context = signature::takes_context(method);
    if step.transactional {
        within_a_transaction(method, step, has_context, errors);
    } else if !has_context && method.options.get("idempotent").is_none() {
        errors.at(
            "missing_key",
            name,
            format_args!(
                "compensation `{name}` takes no `&StepContext`, where the idempotency key comes from: a retry could undo twice\n\
                 help: add `cx: &StepContext` and send `cx.key()` and `cx.undoes()` along, or say why it needs none: \
                 `#[compensate({}, idempotent = \"why\")]`",
                step.ident
            ),
        );
    }
    let (docs, durable) = (method.docs(), name.unraw().to_string());
    let within = within.map(duration_tokens);
    let said = [
        (!docs.is_empty()).then(|| quote!(docs: #docs)),
        policy.on_top_of(&quote!(Policy::PARKS)).map(|policy| quote!(policy: #policy)),
        policy.name.as_ref().map(|name| quote!(policy_name: __rt::Some(#name))),
        within.map(|within| quote!(within: #within)),
        idempotent.map(|why| quote!(idempotent: __rt::Some(#why))),
    ];
    let said = said.iter().flatten();
    let definition = quote!(Compensation { name: #durable, #(#said,)* ..Compensation::PLAIN });
    Compensation { ident: name.clone(), parameters, output: step::output(&method.sig.output), definition }
}

/// What holds of the compensation of a transactional step, which commits in the same way.
fn within_a_transaction(method: &Method, step: &Step, has_context: bool, errors: &mut Errors) {
    if !has_context {
        errors.at(
            "missing_key",
            &method.sig.ident,
            format_args!(
                "compensation `{}` of transactional step `{}` takes no `&StepContext`, where its transaction comes from: what it \
                 writes would not commit with its record\nhelp: add `cx: &StepContext` and write on `&mut *cx.transaction()?`",
                method.sig.ident, step.ident
            ),
        );
    }
    if let Some(option) = method.options.get("idempotent") {
        errors.at(
            "unknown_option",
            &option.key,
            "`idempotent` can have no effect: what the compensation of a transactional step writes commits with its record, \
             exactly once, and needs no key\nhelp: remove it",
        );
    }
}

/// Whether the step's output goes into a parameter: written `Outcome<..>`, or, of a transactional step, whose output is never
/// lost, as what is no parameter of the step, unless it is rather one that is misspelt.
fn is_output(step: &Step, step_method: &Method, parameter: &Written<'_>) -> bool {
    if outcome(parameter.ty).is_some() {
        return true;
    }
    let own = step.parameters.iter().filter(|own| matches!(own.role, Role::Argument { .. }));
    let names: Vec<_> = own.map(|own| own.ident.to_string()).collect();
    let output = Returns::of(&step_method.sig.output).ok();
    step.transactional
        && signature::context(parameter.ty).is_none()
        && !is_argument(step, parameter.ident)
        // One that is borrowed is told to be taken by value.
        && !matches!(bare(parameter.ty), Type::Reference(_))
        && (output.is_some_and(|output| pretty::tokens(parameter.ty) == pretty::tokens(output))
            || similar(&parameter.ident.to_string(), names.iter().map(String::as_str)).is_none())
}

/// Whether the step takes an argument of this name.
fn is_argument(step: &Step, name: &Ident) -> bool {
    step.parameters.iter().any(|own| own.ident == *name && matches!(own.role, Role::Argument { .. }))
}

/// A parameter that nothing of the step goes into.
fn inputs(
    parameter: &Written<'_>,
    name: &Ident,
    (step, step_method): (&Step, &Method),
    others: &[Other],
    errors: &mut Errors,
) {
    let output = Returns::of(&step_method.sig.output).ok();
    let text = |ty: &Type| owned(ty).map_or_else(|_| pretty::tokens(ty), |owned| pretty::tokens(&owned));
    if let Some(output) = output
        && text(parameter.ty) == text(output)
        && !step.transactional
    {
        errors.at(
            "in_doubt",
            parameter.ty,
            format_args!(
                "compensation `{name}` takes the bare output of `{}`, but the step's answer may have been lost: \
                 it would never be undone\nhelp: take `{}: Outcome<{}>`; it is `Outcome::Unknown` where no answer came",
                step.ident,
                parameter.ident,
                text(output)
            ),
        );
        return;
    }
    if let Some(other) = others.iter().find(|other| other.gives(parameter, &text)) {
        errors.at(
            "undo_reads_unknown",
            parameter.ident,
            format_args!(
                "compensation `{name}` takes `{}`, which is what step `{}` gives: when `{}` is undone, that may never have been \
                 called\nhelp: take what step `{}` is called with: add a parameter to the step, and the same to the compensation",
                parameter.ident, other.name, step.ident, step.ident
            ),
        );
        return;
    }
    let is_outcome_reference =
        matches!(bare(parameter.ty), Type::Reference(reference) if outcome(&reference.elem).is_some());
    let is_output_reference = step.transactional
        && matches!(bare(parameter.ty), Type::Reference(reference) if output.is_some_and(|output| text(&reference.elem) == text(output)));
    let names: Vec<_> = step
        .parameters
        .iter()
        .filter(|own| matches!(own.role, Role::Argument { .. }))
        .map(|own| own.ident.to_string())
        .collect();
    let output = output.map_or_else(|| "T".to_owned(), pretty::tokens);
    let output = if step.transactional { output } else { format!("Outcome<{output}>") };
    let help = match similar(&parameter.ident.to_string(), names.iter().map(String::as_str)) {
        _ if is_outcome_reference || is_output_reference => {
            format!("take it by value: `{}: {output}`", parameter.ident)
        }
        Some(close) => format!("did you mean `{close}`?"),
        None if names.is_empty() => format!("it can take `cx: &StepContext` and `{}: {output}`", step.ident),
        None => format!(
            "it can take `cx: &StepContext`, the step's own parameters ({}) and its output, as `{output}`",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    errors.at(
        "compensation_inputs",
        parameter.ident,
        format_args!(
            "compensation `{name}` takes `{}`, which is neither a parameter nor the output of step `{}`\nhelp: {help}",
            parameter.ident, step.ident
        ),
    );
}

/// `T` of `Outcome<T>`.
pub(crate) fn outcome(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (last.ident == "Outcome", arguments.args.first()) {
        (true, Some(GenericArgument::Type(inner))) => Some(inner),
        _ => None,
    }
}

/// A compensation returns `Result<(), Transient>`.
fn returns(method: &Method, errors: &mut Errors) {
    let name = &method.sig.ident;
    let returns = Returns::of(&method.sig.output);
    if let Some(word) = returns.error_word()
        && word == "Failure"
    {
        errors.at(
            "compensation_refuses",
            word,
            format_args!(
                "compensation `{name}` can be refused, but nothing undoes a failed undo\n\
                 help: return `Result<(), Transient>`; where a person has to decide, return `Err(Transient::park(\"why\"))`"
            ),
        );
    }
    if let Some(ok) = returns.ok()
        && !matches!(bare(ok), Type::Tuple(tuple) if tuple.elems.is_empty())
    {
        errors.span(
            "signature",
            ok.span(),
            format_args!(
                "compensation `{name}` returns a value that nobody reads\nhelp: return `Result<(), Transient>`"
            ),
        );
    }
}

/// A compensation that calls a step or a compensation: `self.reserve(..)`, `Self::reserve(..)`.
fn calls(body: &Group, callable: &BTreeSet<String>, name: &Ident, errors: &mut Errors) {
    fn walk(tokens: TokenStream, callable: &BTreeSet<String>, found: &mut Vec<Ident>) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => walk(group.stream(), callable, found),
                TokenTree::Ident(ident) => {
                    let before = |back: usize| index.checked_sub(back).map(|at| &tokens[at]);
                    // What stands before it is a character, and quicker to look at than a name.
                    let of = match before(1) {
                        Some(TokenTree::Punct(punct)) if punct.as_char() == '.' => (before(2), "self"),
                        Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => (before(3), "Self"),
                        _ => continue,
                    };
                    if matches!(of, (Some(TokenTree::Ident(of)), own) if of == own)
                        && callable.contains(&ident.to_string())
                    {
                        found.push(ident.clone());
                    }
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(body.stream(), callable, &mut found);
    for called in found {
        errors.at(
            "compensation_calls_step",
            &called,
            format_args!(
                "compensation `{name}` calls `{called}`, whose effect would be neither saved nor undone\n\
                 help: call the participant directly, or move what both need into a plain method"
            ),
        );
    }
}
