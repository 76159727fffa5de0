//! Code that somebody is typing: whatever is wrong or missing in one place, the rest of the block is still there for the
//! editor, token for token; the saga still is one, from the same input to the same ends; and what is said is said of that
//! place.

use super::{
    looked_at::{compile_errors, split},
    streams::{count, edit, is_punct},
};
use crate::expand;
use proc_macro2::TokenStream;

const SAGA: &str = r#"
impl Checkout {
    /// What customers decide.
    #[signal]
    const DECIDED: Signal<Self, Decision> = Signal::new("decided");

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<Receipt, Unwind<No>> {
        let hold = self.reserve(cx, &order.line).await?;
        let charge = self.charge(cx, &order.card).await?;
        self.rest(cx, &charge).await?;
        Ok(Receipt { hold, charge })
    }

    #[flow(inner)]
    async fn rest(&self, cx: &FlowContext, charge: &Charge) -> Result<(), Unwind<No>> {
        cx.sleep("1d").await;
        self.ship(cx, charge).await?;
        Ok(())
    }

    #[step(timeout = "2s")]
    async fn reserve(&self, cx: &StepContext, line: &str) -> Result<Hold, Failure<No>> {
        self.inventory.hold(cx.key(), line).await
    }

    #[compensate(reserve)]
    async fn release(&self, cx: &StepContext, hold: Outcome<Hold>) -> Result<(), Transient> {
        self.inventory.release(cx.undoes(), hold).await
    }

    #[step(pivot)]
    async fn charge(&self, cx: &StepContext, card: &str) -> Result<Charge, Failure<No>> {
        self.payments.charge(cx.key(), card).await
    }

    #[step(retriable)]
    async fn ship(&self, cx: &StepContext, charge: &Charge) -> Result<(), Transient> {
        self.shipping.ship(cx.key(), charge).await
    }

    fn helper(&self) -> u32 { 1 }
}
"#;

/// What is typed in the place of what, and what is said of it: what each message holds.
const TYPED: &[(&str, &str, &[&str])] = &[
    // In the body of the flow, which is read.
    ("let hold = self.reserve", "self. let hold = self.reserve", &["expected identifier"]),
    ("Ok(Receipt { hold, charge })", "self.", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "cx.", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "let x =", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "match charge", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "match charge { Charge::", &[]),
    ("Ok(Receipt { hold, charge })", "if let Some(x) =", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "for line in", &["unexpected end of input"]),
    ("Ok(Receipt { hold, charge })", "#[state(\"x\")]", &["unexpected end of input"]),
    ("cx.sleep(\"1d\").await;", "cx.sleep(\"1d\").", &["expected identifier"]),
    // In the body of a step or a compensation, which is nobody's matter but rustc's.
    ("self.inventory.hold(cx.key(), line).await", "self.inventory.", &[]),
    ("self.inventory.release(cx.undoes(), hold).await", "match hold", &[]),
    ("self.payments.charge(cx.key(), card).await", "let x =", &[]),
    // In an attribute.
    ("#[step(pivot)]", "#[step(pivot,)]", &[]),
    ("#[step(timeout = \"2s\")]", "#[step(timeo)]", &["`#[step]` has no option `timeo`"]),
    ("#[step(timeout = \"2s\")]", "#[step(timeout)]", &["`timeout` takes a duration"]),
    ("#[step(timeout = \"2s\")]", "#[step(timeout =)]", &["`timeout` takes a duration"]),
    ("#[step(timeout = \"2s\")]", "#[step(timeout = \"2\")]", &["`2` is not a duration"]),
    ("#[step(retriable)]", "#[step(ret)]", &["`#[step]` has no option `ret`"]),
    ("#[step(pivot)]", "#[step()]", &["can be reached before the pivot", "step `charge` has no compensation"]),
    ("#[compensate(reserve)]", "#[compensate()]", &["`release` does not say which step it undoes"]),
    ("#[compensate(reserve)]", "#[compensate(reserv)]", &["there is no step `reserv`"]),
    // In a signature.
    ("charge: &Charge) -> Result<(), Transient>", "charge: &) -> Result<(), Transient>", &["expected"]),
    ("card: &str)", "card)", &["expected `:`"]),
    ("card: &str)", "card: &str, )", &[]),
    ("-> Result<Charge, Failure<No>>", "->", &["expected"]),
    ("line: &str) -> Result<Hold, Failure<No>> {", "line: &str) -> Result<Hold, {", &["expected"]),
    // A method.
    ("fn helper(&self) -> u32 { 1 }", "async fn foo", &["expected parentheses"]),
    ("fn helper(&self) -> u32 { 1 }", "#[step] async fn foo", &["expected parentheses"]),
    ("fn helper(&self) -> u32 { 1 }", "#[step]", &["expected one of"]),
    ("fn helper(&self) -> u32 { 1 }", "#[step] async fn foo(&self, )", &["`foo` has no body"]),
    ("fn helper(&self) -> u32 { 1 }", "pub ", &["expected one of"]),
    ("#[step(timeout = \"2s\")]", "#[step] async fn foo #[step(timeout = \"2s\")]", &["expected parentheses"]),
    ("#[step(timeout = \"2s\")]", "async fn foo(&self #[step(timeout = \"2s\")]", &[]),
    ("#[step(timeout = \"2s\")]", "pub #[step(timeout = \"2s\")]", &["expected one of"]),
    ("fn helper(&self)", "async fn foo fn helper(&self)", &["expected parentheses"]),
    ("#[signal]", "const X: #[signal]", &["expected"]),
];

#[test]
fn whatever_is_being_typed_the_rest_is_there_and_nothing_else_is_said() {
    let mut wrong = Vec::new();
    for (was, typed, said) in TYPED {
        assert!(SAGA.contains(was), "{was}");
        // What is open cannot reach a macro.
        let Ok(item) = SAGA.replacen(was, typed, 1).parse::<TokenStream>() else { continue };
        let messages = compile_errors(&rest(&item));
        let as_expected =
            messages.len() == said.len() && messages.iter().zip(*said).all(|(message, part)| message.contains(part));
        if !as_expected {
            wrong.push(format!("{typed}: {messages:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is emitted beside the user's item, which is there as it was written; it is the same saga.
fn rest(item: &TokenStream) -> TokenStream {
    let expansion = expand::saga(quote::quote!(name = "checkout"), item);
    let (_, ours) = split(item, &expansion).unwrap_or_else(|fault| panic!("{fault}"));
    let text = ours.to_string();
    let ends = "type Input = Order ; type Output = Receipt ; type Refusal = No ;";
    assert!(text.contains("impl __rt :: Saga for Checkout") && text.contains(ends), "of {item}: {text}");
    ours
}

#[test]
fn wherever_a_body_ends_too_early_the_rest_is_there() {
    let saga: TokenStream = SAGA.parse().expect("tokens");
    let mut bodies = 0;
    for number in 0..count(&saga) {
        let cut = edit(saga.clone(), &mut { number }, &mut |run, at| {
            // A body has one statement at least; the block itself and its parameters are not cut.
            if run.iter().any(|token| is_punct(token, '.')) {
                run.truncate(at);
                bodies += 1;
            }
        });
        rest(&cut);
    }
    assert!(bodies > 100, "{bodies}");
}
