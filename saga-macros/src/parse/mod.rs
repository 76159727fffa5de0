//! From tokens to what is annotated: attributes and signatures are read here, bodies stay opaque.

mod options;
mod strip;
mod values;

pub(crate) use self::{
    options::{OptValue, Options, Place, similar},
    values::{Timed, check_name, duration, duration_tokens, module, spoken},
};
use crate::errors::{Errors, SYNTAX};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, ImplItem, ImplItemConst, ItemImpl, Meta, Signature, Token, Visibility, parse::ParseStream,
    parse::Parser, token,
};

/// An impl block under `#[saga]`.
#[derive(Debug)]
pub(crate) struct SagaImpl {
    /// `#[saga(..)]`'s own options.
    pub(crate) options: Options,
    /// The impl block's header: attributes, generics, the type; without its items.
    pub(crate) header: ItemImpl,
    /// The whole block as the user wrote it, without our attributes.
    pub(crate) plain: TokenStream,
    /// Methods under `#[flow]`.
    pub(crate) flows: Vec<Method>,
    /// Methods under `#[step]`.
    pub(crate) steps: Vec<Method>,
    /// Methods under `#[compensate]`.
    pub(crate) compensations: Vec<Method>,
    /// Constants under `#[signal]`.
    pub(crate) signals: Vec<ImplItemConst>,
    /// The methods that are none of ours.
    pub(crate) helpers: Vec<Helper>,
}

/// A method that is neither the flow nor a step nor a compensation.
#[derive(Debug, Clone)]
pub(crate) struct Helper {
    /// Its name.
    pub(crate) ident: syn::Ident,
    /// Its body.
    pub(crate) body: TokenStream,
}

impl SagaImpl {
    /// Whether all steps say what they are, so that something can be said of the order in which they run.
    pub(crate) fn is_clear(&self) -> bool {
        !self.steps.iter().any(|step| step.options.unclear)
    }
}

/// An annotated method.
#[derive(Debug)]
pub(crate) struct Method {
    /// Our attribute's options.
    pub(crate) options: Options,
    /// The other attributes, doc comments among them.
    pub(crate) attrs: Vec<Attribute>,
    /// The visibility.
    pub(crate) vis: Visibility,
    /// The signature.
    pub(crate) sig: Signature,
    /// The body.
    pub(crate) body: Group,
}

impl Method {
    /// The doc comment, as one text.
    pub(crate) fn docs(&self) -> String {
        docs(&self.attrs)
    }
}

/// How a signal is declared.
pub(crate) const SIGNAL: &str =
    "help: declare it like this: `#[signal] pub const DECIDED: Signal<Self, Decision> = Signal::new(\"decided\");`";

/// What our attribute makes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flow,
    Step,
    Compensation,
    Signal,
}

impl Kind {
    fn of(attribute: &Attribute) -> Option<Self> {
        let segments = &attribute.path().segments;
        // `step`, or `saga_runtime::step`; not any attribute of another crate that happens to be called so.
        let ours = segments.len() == 1 || segments.first().is_some_and(|first| first.ident == "saga_runtime");
        let last = &segments.last()?.ident;
        match (ours, last.to_string().as_str()) {
            (true, "flow") => Some(Self::Flow),
            (true, "step") => Some(Self::Step),
            (true, "compensate") => Some(Self::Compensation),
            (true, "signal") => Some(Self::Signal),
            _ => None,
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Flow => Place::Flow,
            Self::Step => Place::Step,
            Self::Compensation => Place::Compensate,
            Self::Signal => Place::Signal,
        }
    }
}

/// Reads an impl block. Nothing can be said about what is not one.
pub(crate) fn parse(options: TokenStream, item: &TokenStream, errors: &mut Errors) -> Option<SagaImpl> {
    let (header, head, body) = split(item, errors)?;
    let options = Options::parse(Place::Saga, Span::call_site(), options, errors);
    let plain = head.into_iter().chain([TokenTree::Group(strip::items(&body))]).collect();
    let mut saga = SagaImpl {
        options,
        header,
        plain,
        flows: Vec::new(),
        steps: Vec::new(),
        compensations: Vec::new(),
        signals: Vec::new(),
        helpers: Vec::new(),
    };
    let read = |input: ParseStream<'_>| {
        saga.header.attrs.extend(Attribute::parse_inner(input)?);
        while !input.is_empty() {
            let ahead = input.fork();
            match item_of(&ahead, &mut saga, errors) {
                Ok(()) => syn::parse::discouraged::Speculative::advance_to(input, &ahead),
                Err(error) => {
                    errors.syntax(SYNTAX, error);
                    skip(input)?;
                }
            }
        }
        Ok(())
    };
    if let Err(error) = read.parse2(body.stream()) {
        errors.syntax(SYNTAX, error);
    }
    Some(saga)
}

/// The header, parsed and as written, and the block's braces.
fn split(item: &TokenStream, errors: &mut Errors) -> Option<(ItemImpl, Vec<TokenTree>, Group)> {
    let help = "help: put it on the impl block that holds the flow and its steps: `#[saga(name = \"..\")] impl Checkout { .. }`";
    let mut tokens: Vec<_> = item.clone().into_iter().collect();
    let body = match tokens.pop() {
        Some(TokenTree::Group(group)) if group.delimiter() == proc_macro2::Delimiter::Brace => group,
        _ => {
            errors.span("not_an_impl", Span::call_site(), format_args!("`#[saga]` needs an impl block\n{help}"));
            return None;
        }
    };
    let mut braces = Group::new(proc_macro2::Delimiter::Brace, TokenStream::new());
    braces.set_span(body.span());
    let header = tokens.iter().cloned().chain([TokenTree::Group(braces)]).collect::<TokenStream>();
    match syn::parse2::<syn::Item>(header) {
        Ok(syn::Item::Impl(header)) => match &header.trait_ {
            None => return Some((header, tokens, body)),
            Some((path, _)) => errors.at(
                "not_an_impl",
                path,
                format_args!(
                    "`#[saga]` needs an inherent impl block, and this one implements a trait\n\
                     help: write `impl {} {{ .. }}`",
                    crate::pretty::tokens(&header.self_ty)
                ),
            ),
        },
        Ok(_) | Err(_) => {
            errors.span("not_an_impl", Span::call_site(), format_args!("`#[saga]` needs an impl block\n{help}"));
        }
    }
    None
}

/// Passes over an item that somebody is typing: up to its end, or to what can only be the start of the next one.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    let (mut begun, mut is_fn) = (false, false);
    while !input.is_empty() {
        let attribute = input.peek(Token![#]) && input.peek2(token::Bracket);
        let visible = input.peek(Token![pub]) || input.peek(Token![async]) || input.peek(Token![fn]);
        if begun && attribute || is_fn && visible {
            return Ok(());
        }
        if attribute {
            input.parse::<Token![#]>()?;
        } else {
            begun = true;
            is_fn |= input.peek(Token![fn]);
        }
        match input.parse()? {
            TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => return Ok(()),
            TokenTree::Punct(punct) if punct.as_char() == ';' => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

/// Reads one item of the block.
fn item_of(input: ParseStream<'_>, saga: &mut SagaImpl, errors: &mut Errors) -> syn::Result<()> {
    let ahead = input.fork();
    let attrs = ahead.call(Attribute::parse_outer)?;
    let kinds: Vec<_> = attrs.iter().filter_map(|attr| Kind::of(attr).map(|kind| (kind, attr))).collect();
    let Some(&(kind, attribute)) = kinds.first() else {
        if let ImplItem::Fn(method) = input.parse::<ImplItem>()? {
            saga.helpers.push(Helper { ident: method.sig.ident, body: method.block.into_token_stream() });
        }
        return Ok(());
    };
    for (_, other) in &kinds[1..] {
        errors.at(
            "unknown_option",
            other.path(),
            "an item is either a flow, a step, a compensation or a signal\nhelp: remove all of these attributes but one",
        );
    }
    if kind == Kind::Signal {
        options_of(attribute, kind.place(), errors);
        match input.parse::<ImplItem>()? {
            ImplItem::Const(signal) => saga.signals.push(signal),
            _ => errors.at("signature", attribute.path(), format_args!("only a constant can be a signal\n{SIGNAL}")),
        }
        return Ok(());
    }
    let vis = ahead.parse()?;
    let Ok(sig) = ahead.parse::<Signature>() else {
        input.parse::<ImplItem>()?;
        errors.at("signature", attribute.path(), "only an `async fn` can be the flow, a step or a compensation");
        return Ok(());
    };
    if ahead.peek(Token![;]) {
        errors.at("signature", &sig.ident, format_args!("`{}` has no body", sig.ident));
        input.parse::<ImplItem>()?;
        return Ok(());
    }
    if !ahead.peek(token::Brace) {
        return Err(syn::Error::new(sig.ident.span(), format_args!("`{}` has no body", sig.ident)));
    }
    let body = ahead.parse()?;
    syn::parse::discouraged::Speculative::advance_to(input, &ahead);

    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        errors.at(
            "signature",
            attr.path(),
            format_args!(
                "`{}` is there in some builds only, but instances that one build began are finished by another\n\
                 help: put `#[cfg(..)]` inside the body, or on the whole impl block",
                sig.ident
            ),
        );
    }
    let options = options_of(attribute, kind.place(), errors);
    let others = attrs.iter().filter(|attr| Kind::of(attr).is_none()).cloned().collect();
    let method = Method { options, attrs: others, vis, sig, body };
    match kind {
        Kind::Flow => saga.flows.push(method),
        Kind::Step => saga.steps.push(method),
        Kind::Compensation => saga.compensations.push(method),
        // Read above: it is no method.
        Kind::Signal => {}
    }
    Ok(())
}

/// The options between an attribute's parentheses.
fn options_of(attribute: &Attribute, place: Place, errors: &mut Errors) -> Options {
    let span = attribute.path().segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let tokens = match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            errors.at(
                "unknown_option",
                &pair.value,
                format_args!("options stand in parentheses\nhelp: `{}`", place.example()),
            );
            TokenStream::new()
        }
    };
    Options::parse(place, span, tokens, errors)
}

/// The text of the doc comments among these attributes.
pub(crate) fn docs(attrs: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attr in attrs {
        if let Meta::NameValue(pair) = &attr.meta
            && pair.path.is_ident("doc")
            && let Ok(text) = syn::parse2::<syn::LitStr>(pair.value.to_token_stream())
        {
            let text = text.value();
            lines.extend(text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()));
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.join("\n").trim().to_owned()
}
