//! The saga as a plain method, and on a runtime whose days are skipped; and what the README says of it.

mod plain;
mod readme;
mod runtime;
mod signals;

use approval::{Decision, Request};

/// For a chair, paid with this card; Ada and Bob may decide, and later Carol.
fn request(card: &str) -> Request {
    let order = format!(
        r#"{{"id": "r-1", "customer": "Dora", "currency": "EUR", "card": "{card}",
            "lines": [{{"sku": "chair", "quantity": 2, "unit_price": "99.50"}}]}}"#
    );
    let approvers = vec!["ada".into(), "bob".into()];
    Request { department: "design".into(), approvers, manager: "carol".into(), order: order.parse().unwrap() }
}

fn decision(by: &str, approved: bool) -> Decision {
    Decision { by: by.into(), approved, why: "because".into() }
}
