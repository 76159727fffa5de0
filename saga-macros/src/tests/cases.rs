//! What went wrong once, reduced.

use super::looked_at::{Came, of_refusal, of_saga};

/// Items under `#[saga(name = "x")]`.
const SAGAS: &[&str] = &[
    // It has no name by which the generated code could mention it.
    "impl Checkout { #[signal] const _: Signal<Self, u8> = Signal::new(\"x\"); }",
    // What stands on the right of it is plain, so it is no decision between two calls, and was taken for one without end.
    "impl Checkout {
        #[flow]
        async fn run(&self, cx: &FlowContext, order: Order) -> Result<bool, Unwind<No>> {
            Ok(self.approve(cx, &order).await? || order.is_small())
        }
        #[step(read_only)]
        async fn approve(&self, order: &Order) -> Result<bool, Failure<No>> { self.desk.ask(order).await }
    }",
];

/// Items under `#[derive(Refusal)]`.
const REFUSALS: &[&str] = &[
    // No `use` can begin with it.
    "#[refusal(crate = Self)] struct Renamed;",
    "#[refusal(crate = crate::<u8>::Self)] struct Renamed;",
];

/// Options of a saga without any mistake but those that are in them.
const OPTIONS: &[&str] = &["crate = Self", "crate = saga_runtime<u8>", "crate = <u8 as Copy>::x"];

#[test]
fn what_went_wrong_once_does_not_again() {
    let options: proc_macro2::TokenStream = "name = \"x\"".parse().expect("tokens");
    for saga in SAGAS {
        of_saga(&options, &saga.parse().expect("tokens")).unwrap_or_else(|fault| panic!("{saga}: {fault}"));
    }
    for options in OPTIONS {
        let saga = "impl Checkout { #[flow] async fn run(&self, cx: &FlowContext, _input: ()) -> Result<(), Unwind<No>> { Ok(()) } }";
        let came = of_saga(&options.parse().expect("tokens"), &saga.parse().expect("tokens"));
        assert_eq!(came, Ok(Came::Mistakes), "{options}");
    }
    for refusal in REFUSALS {
        of_refusal(&refusal.parse().expect("tokens")).unwrap_or_else(|fault| panic!("{refusal}: {fault}"));
    }
}
