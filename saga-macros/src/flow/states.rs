//! `#[state("..")]`: the names that tell two states of a flow apart.

use super::{calls::calls_in, verbs::awaited};
use crate::{errors::Errors, model::Model};
use proc_macro2::Span;
use syn::{
    Arm, Attribute, Block, Expr, Local,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

/// Moves each `#[state("..")]` from the statement or arm that it stands on down to the one call in it.
pub(crate) fn place_names(model: &Model, body: &mut Block, errors: &mut Errors) {
    Place { model, errors }.visit_block_mut(body);
}

/// What `#[state("..")]` is called once it has been read and stands on its call.
const PLACED: &str = "__state";

/// The name of a call's state, if it has been given one.
pub(crate) fn state_name(attrs: &[Attribute]) -> Option<(String, Span)> {
    let attr = attrs.iter().find(|attr| attr.path().is_ident(PLACED))?;
    let name: syn::LitStr = attr.parse_args().ok()?;
    Some((name.value(), name.span()))
}

struct Place<'m> {
    model: &'m Model,
    errors: &'m mut Errors,
}

fn take(attrs: &mut Vec<Attribute>) -> Option<Attribute> {
    let at = attrs.iter().position(|attr| attr.path().is_ident("state"))?;
    Some(attrs.remove(at))
}

/// The same attribute, as one that has been read.
fn placed(mut attr: Attribute) -> Attribute {
    if let syn::Meta::List(list) = &mut attr.meta {
        list.path = syn::Ident::new(PLACED, Span::call_site()).into();
    }
    attr
}

impl Place<'_> {
    /// A state that only some builds have: the macro sees it in all of them, and rustc does not.
    fn in_some_builds(&mut self, cfg: Option<&Attribute>, holder: &Expr) {
        let Some(cfg) = cfg.filter(|_| calls_in(self.model, holder) > 0) else { return };
        self.errors.span(
            "hidden_step",
            cfg.path().span(),
            "the state in here is there in some builds only, but instances that one build began are finished by another\n\
             help: decide while it runs: `if cfg!(..) { .. }`",
        );
    }

    fn place(&mut self, attr: Attribute, holder: &mut Expr) {
        match attr.parse_args::<syn::LitStr>() {
            Err(_) => {
                self.errors.at(
                    "bad_value",
                    &attr,
                    "a state's name is a string\nhelp: write `#[state(\"second_card\")]`",
                );
                return;
            }
            Ok(name) => {
                if let Some(reason) = unfit(&name.value()) {
                    self.errors.at(
                        "bad_value",
                        &name,
                        format!("{name:?} cannot name a state: {reason}", name = name.value()),
                    );
                    return;
                }
            }
        }
        match calls_in(self.model, holder) {
            1 => Attach { model: self.model, attr: Some(placed(attr)) }.visit_expr_mut(holder),
            0 => self.errors.span(
                "ambiguous_state",
                attr.path().span(),
                "`#[state]` names the state of a step's call, and there is none here\nhelp: put it on the statement that \
                 calls the step",
            ),
            _ => self.errors.span(
                "ambiguous_state",
                attr.path().span(),
                "`#[state]` names one state, and more than one step is called here\nhelp: bind each answer with a `let` of \
                 its own",
            ),
        }
    }
}

/// Why this cannot be a durable name.
fn unfit(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > 64 {
        return Some("it is longer than 64 bytes");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
        return Some("only letters, digits, `_`, `-` and `.` can stand in a durable name");
    }
    None
}

impl VisitMut for Place<'_> {
    fn visit_local_mut(&mut self, local: &mut Local) {
        if let Some(attr) = take(&mut local.attrs) {
            match &mut local.init {
                Some(init) => self.place(attr, &mut init.expr),
                None => self.errors.span(
                    "ambiguous_state",
                    attr.path().span(),
                    "`#[state]` names the state of a step's call, and there is none here\nhelp: put it on the statement that \
                     calls the step",
                ),
            }
        }
        if let Some(init) = &local.init {
            self.in_some_builds(local.attrs.iter().find(|attr| is_cfg(attr)), &init.expr);
        }
        visit_mut::visit_local_mut(self, local);
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        if let Some(attr) = take(&mut arm.attrs) {
            self.place(attr, &mut arm.body);
        }
        self.in_some_builds(arm.attrs.iter().find(|attr| is_cfg(attr)), &arm.body);
        visit_mut::visit_arm_mut(self, arm);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some(attr) = attributes_mut(expr).and_then(take) {
            self.place(attr, expr);
        }
        if in_some_builds(expr) {
            let cfg = attributes_mut(expr).and_then(|attrs| attrs.iter().find(|attr| is_cfg(attr))).cloned();
            self.in_some_builds(cfg.as_ref(), expr);
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}

struct Attach<'m> {
    model: &'m Model,
    attr: Option<Attribute>,
}

impl VisitMut for Attach<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if awaited(self.model, expr).is_some()
            && let Expr::Await(node) = expr
        {
            node.attrs.extend(self.attr.take());
        }
        visit_mut::visit_expr_mut(self, expr);
    }
    fn visit_expr_closure_mut(&mut self, _: &mut syn::ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut syn::ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

macro_rules! attributes_of {
    ($expr:ident: $($kind:ident)*) => {
        /// The attributes of an expression, whatever its kind.
        fn attributes_mut($expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
            match $expr {
                $(Expr::$kind(node) => Some(&mut node.attrs),)*
                _ => None,
            }
        }

        /// Whether an expression is there in some builds only.
        pub(crate) fn in_some_builds($expr: &Expr) -> bool {
            match $expr {
                $(Expr::$kind(node) => has_cfg(&node.attrs),)*
                _ => false,
            }
        }
    };
}

attributes_of! { expr:
    Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop Group If Index Let Lit Loop
    Macro Match MethodCall Paren Path Range Reference Repeat Return Struct Try Tuple Unary Unsafe While
}

/// Whether a `#[cfg(..)]` is among these.
pub(crate) fn has_cfg(attrs: &[Attribute]) -> bool {
    attrs.iter().any(is_cfg)
}

fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}
