//! What a flow becomes, as tables: states, what is saved in each, and the graph.

use super::{lower, tokens};
use crate::{analyze, errors::Errors, model::Machine, parse};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The machine of a flow whose steps are `a`, `b` and `c`, each of which takes a text.
#[expect(clippy::needless_pass_by_value, reason = "it reads well where it is called with `quote!`")]
fn machine(body: TokenStream) -> Machine {
    let steps = ["a", "b", "c"].map(|name| quote::format_ident!("{name}")).into_iter();
    let used = steps.filter(|step| body.to_string().contains(&format!(". {step} (")));
    let item = quote! {
        impl Flow {
            #[flow]
            async fn run(&self, cx: &FlowContext, input: Order) -> Result<u32, Unwind<No>> { #body }
            #(
                #[step(no_compensation = "a test", idempotent = "a test")]
                async fn #used(&self, cx: &StepContext, text: &str) -> Result<u32, Failure<No>> { Ok(1) }
            )*
        }
    };
    let mut errors = Errors::default();
    let saga = parse::parse(quote!(name = "flow"), &item, &mut errors).expect("it is an impl block");
    let machine = analyze::analyze(&saga, &mut errors).and_then(|model| lower(&model, &mut errors));
    let mistakes = errors.into_tokens().to_string();
    machine.unwrap_or_else(|| panic!("{mistakes}")).flows.remove(0)
}

/// What is saved in each state, by name.
fn saved(machine: &Machine) -> Vec<(&str, Vec<&str>)> {
    let live = |state: &crate::model::State| state.live.iter().map(|&slot| machine.slots[slot].as_str()).collect();
    machine.states.iter().map(|state| (state.name.as_str(), live(state))).collect()
}

#[test]
fn what_is_dead_is_not_saved() {
    let machine = machine(quote! {
        let x = self.a(cx, &input.name).await?;
        let y = self.b(cx, &x.to_string()).await?;
        Ok(y + self.c(cx, "c").await?)
    });
    assert_eq!(saved(&machine), [("a", vec![]), ("b", vec![]), ("c", vec!["y"])]);
}

#[test]
fn a_loop_saves_what_its_next_turn_needs() {
    let machine = machine(quote! {
        let mut all = Vec::new();
        for line in &input.lines {
            let n = self.a(cx, line).await?;
            all.push((line.clone(), n));
        }
        self.b(cx, &all.len().to_string()).await?;
        Ok(0)
    });
    assert_eq!(saved(&machine), [("a", vec!["input", "all", "(line)"]), ("b", vec![])]);
}

#[test]
fn a_local_that_a_macro_captures_is_needed() {
    let machine = machine(quote! {
        let x = self.a(cx, "a").await?;
        let name = input.name;
        self.b(cx, "b").await?;
        info!(name = 1, total = x, "{name:?}");
        Ok(0)
    });
    assert_eq!(saved(&machine), [("a", vec!["input"]), ("b", vec!["x", "name"])]);
}

#[test]
fn what_is_needed_after_a_join_or_a_sleep_is_saved_there() {
    let machine = machine(quote! {
        let x = self.a(cx, &input.name).await?;
        let (y, z) = join!(self.b(cx, &x.to_string()), self.c(cx, "c")).await?;
        cx.sleep("1d").await;
        Ok(x + y + z)
    });
    assert_eq!(saved(&machine), [("a", vec![]), ("b-and-c", vec!["x"]), ("sleep", vec!["x", "y", "z"])]);
}

#[test]
fn a_fan_out_needs_what_its_closure_captures_and_not_what_it_takes() {
    let machine = machine(quote! {
        let factor = input.factor;
        self.b(cx, "b").await?;
        let line = 3;
        let all = cx.join_all(&input.lines, 2, |line| self.a(cx, factor.of(line))).await?;
        Ok(line)
    });
    assert_eq!(saved(&machine), [("b", vec!["factor", "input.lines"]), ("a", vec!["line"])]);
}

#[test]
fn a_join_is_drawn_as_it_is_written() {
    let machine = machine(quote! {
        match join!(self.a(cx, "a"), self.b(cx, "b")).await {
            Ok((a, b)) => Ok(a + b),
            Err(why) => Err(why.into()),
        }
    });
    let nodes: Vec<String> = machine.nodes.iter().map(ToString::to_string).collect();
    assert!(
        nodes.iter().any(|node| node.contains("join!(self.a(cx, \\\"a\\\"), self.b(cx, \\\"b\\\")).await")),
        "{nodes:?}"
    );
}

#[test]
fn the_graph_has_the_branches_that_matter() {
    let machine = machine(quote! {
        if input.big {
            self.a(cx, "a").await?;
        }
        let n = if input.small { 1 } else { 2 };
        match self.b(cx, "b").await {
            Ok(_) => Ok(n),
            Err(why) => Err(why.into()),
        }
    });
    let nodes: Vec<String> = machine.nodes.iter().map(|node| node.to_string().replace("Node :: ", "")).collect();
    assert_eq!(
        nodes,
        [
            "Start",
            "Branch (\"input.big\")",
            "Call (0)",
            "Unwinds",
            "Call (1)",
            "Branch (\"self.b(cx, \\\"b\\\").await\")",
            "Completed",
        ]
    );
    let edges: Vec<String> = machine.edges.iter().map(ToString::to_string).collect();
    assert!(edges.iter().any(|edge| edge.contains("refused (2 , 3 , \"refused\")")), "{edges:?}");
    assert!(edges.iter().any(|edge| edge.contains("next (1 , 4 , \"no\")")), "{edges:?}");
}

#[test]
fn a_decision_is_left_by_its_branches_only() {
    let edges = |body: TokenStream| -> Vec<String> {
        let edges = machine(body).edges;
        edges.iter().map(ToString::to_string).filter(|edge| edge.contains("next (3 ,")).collect()
    };
    let early = edges(quote! {
        self.a(cx, "a").await?;
        if input.small {
            return Err(No.into());
        }
        self.b(cx, "b").await?;
        Ok(0)
    });
    assert!(early.len() == 2 && early[0].contains("\"yes\"") && early[1].contains("\"no\""), "{early:?}");
    let arms = edges(quote! {
        self.a(cx, "a").await?;
        match input.name {
            Some(_) => return Ok(1),
            None => {}
        }
        self.b(cx, "b").await?;
        Ok(0)
    });
    assert!(arms.len() == 2 && arms[0].contains("Some(_)") && arms[1].contains("None"), "{arms:?}");
}

#[test]
fn only_a_name_that_is_taken_where_it_is_needed_is_replaced() {
    let body = |machine: &Machine| machine.body.to_string();
    let plain = machine(quote! {
        let x = input.name;
        let x = self.a(cx, &x).await?;
        Ok(x)
    });
    assert!(!body(&plain).contains("_x"), "{}", body(&plain));
    let taken = machine(quote! {
        let x = input.name;
        if let Some(x) = &x {
            self.a(cx, x).await?;
        }
        println!("{x:?}");
        Ok(0)
    });
    assert!(body(&taken).contains("_x)"), "{}", body(&taken));
}

#[test]
fn a_format_string_captures_names_widths_and_no_escapes() {
    let literal: Literal = r#""{a} {{b}} {c:>width$.p$} {0} {}""#.parse().expect("a literal");
    let mut seen = Vec::new();
    tokens::map_captured(&literal, |name| {
        seen.push(name.to_owned());
        None
    });
    assert_eq!(seen, ["a", "c", "width", "p", "0", ""]);
}

#[test]
fn text_reads_as_it_was_written() {
    let text = |tokens: TokenStream| tokens::text(tokens);
    assert_eq!(text(quote!(for line in &order.lines)), "for line in &order.lines");
    assert_eq!(text(quote!(if let Some(x) = a.b(1, "c")? && !d)), "if let Some(x) = a.b(1, \"c\")? && !d");
    assert_eq!(text(quote!(matches!(x, Kind::Gift { .. }))), "matches!(x, Kind::Gift { .. })");
}
