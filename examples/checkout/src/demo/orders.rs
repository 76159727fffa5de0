//! The orders that are shipped with this example.

use crate::Failed;
use crate::order::Order;

/// One order a line.
const SHIPPED: &str = include_str!("../../orders.jsonl");

/// An order, and the text to send it as.
pub(super) struct Shipped {
    pub(super) order: Order,
    pub(super) text: String,
}

/// The order at this place, from 0. When the shipped ones are used up they begin again, with a number at their id.
pub(super) fn nth(index: usize) -> Result<Shipped, Failed> {
    let lines: Vec<&str> = SHIPPED.lines().collect();
    shipped(lines[index % lines.len()], index / lines.len())
}

fn shipped(line: &str, round: usize) -> Result<Shipped, Failed> {
    let mut draft: serde_json::Value = serde_json::from_str(line)?;
    if let (1.., Some(id)) = (round, draft["id"].as_str()) {
        draft["id"] = format!("{id}-{}", round + 1).into();
    }
    let text = draft.to_string();
    let order = Order::read(text.as_bytes()).map_err(|problem| problem.detail)?;
    Ok(Shipped { order, text })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn orders_repeat_with_fresh_ids() {
        let orders: Vec<Shipped> = (0..400).map(|index| nth(index).unwrap()).collect();
        let ids: BTreeSet<&str> = orders.iter().map(|shipped| shipped.order.id.as_str()).collect();
        assert_eq!(ids.len(), 400);
        assert!(ids.contains("order-001") && ids.contains("order-001-2") && ids.contains("order-001-3"));
    }
}
