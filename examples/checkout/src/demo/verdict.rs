//! What must be true once every order has ended, judged by the participants' own books.
//!
//! The orchestrator's word counts for one thing only: how each order ended. Whether that is so,
//! the shelf, the charges and the parcels say. That each call was accepted once, and for a saga that there is, the
//! verifier says, which holds the participants' keys against the journals.

use std::collections::BTreeMap;
use std::fmt;

use super::report::counted;
use crate::money::Money;
use crate::order::Order;
use crate::participant::{Charged, Sent, Stock};
use crate::shop::Status;

/// The books, once all is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// What was ordered, and how it ended.
    pub(crate) orders: Vec<(Order, Status)>,
    /// What was put on the shelf before the first order.
    pub(crate) loaded: BTreeMap<String, i64>,
    /// What the inventory says is there now.
    pub(crate) stock: Vec<Stock>,
    /// All charges.
    pub(crate) charges: Vec<Charged>,
    /// All parcels.
    pub(crate) parcels: Vec<Sent>,
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    /// An order that neither completed, nor was undone, nor waits for a person.
    NotEnded { order: String },
    /// Goods came from nowhere or went there.
    StockNotConserved { sku: String, loaded: i64, counted: i64 },
    /// Goods are set aside for nobody.
    StillHeld { sku: String, held: i64 },
    /// Other than what the completed orders come to was sold.
    SoldDiffers { sku: String, ordered: i64, sold: i64 },
    /// A completed order that was not charged once, or another one that was charged.
    Charges { order: String, ended: Status, charges: usize },
    /// A completed order that was not charged what it costs.
    WrongAmount { order: String, costs: Option<Money>, charged: Money },
    /// A completed order without its one parcel, or another one with a parcel.
    Parcels { order: String, ended: Status, parcels: usize },
    /// An orchestrator wrote something that had been given up, or that another one had by then.
    Stale { what: String },
    /// A saga's journal, or what the participants accepted for it, is not as it was promised: the verifier's words.
    Promise { what: String },
}

/// Judges the books. Nothing to complain about is an empty list.
pub(crate) fn judge(books: &Books) -> Vec<Violation> {
    let mut violations = Vec::new();
    violations.extend(books.orders.iter().flat_map(|(order, ended)| judge_order(books, order, *ended)));
    violations.extend(judge_stock(books));
    violations
}

fn judge_order(books: &Books, order: &Order, ended: Status) -> Vec<Violation> {
    let id = || order.id.clone();
    let charges: Vec<&Charged> = books.charges.iter().filter(|charge| charge.order == order.id).collect();
    let parcels = books.parcels.iter().filter(|parcel| parcel.order == order.id).count();
    // One that waits for a person may have been charged or not; twice it may not.
    let allowed = match ended {
        Status::Completed => 1..=1,
        Status::Compensated => 0..=0,
        Status::Running | Status::Parked => 0..=1,
    };
    let mut violations = Vec::new();
    if ended == Status::Running {
        violations.push(Violation::NotEnded { order: id() });
    }
    if !allowed.contains(&charges.len()) {
        violations.push(Violation::Charges { order: id(), ended, charges: charges.len() });
    }
    if !allowed.contains(&parcels) {
        violations.push(Violation::Parcels { order: id(), ended, parcels });
    }
    let costs = order.total().ok();
    let wrong = charges.iter().filter(|charge| Some(charge.total) != costs);
    violations.extend(wrong.map(|charge| Violation::WrongAmount { order: id(), costs, charged: charge.total }));
    violations
}

fn judge_stock(books: &Books) -> Vec<Violation> {
    let mut ordered: BTreeMap<&str, i64> = BTreeMap::new();
    let completed = books.orders.iter().filter(|(_, ended)| *ended == Status::Completed);
    for line in completed.flat_map(|(order, _)| &order.lines) {
        *ordered.entry(&line.sku).or_default() += i64::from(line.quantity);
    }
    let nothing = |sku: &String| Stock { sku: sku.clone(), available: 0, held: 0, sold: 0 };
    // One that has not ended is a violation of its own, and may hold or have sold its goods.
    let under_way = books.orders.iter().any(|(_, ended)| *ended == Status::Running);
    let mut violations = Vec::new();
    // What was loaded and is not listed any more counts as nothing; what is listed and was never
    // loaded should not be there.
    let missing = books.loaded.keys().filter(|sku| books.stock.iter().all(|stock| stock.sku != **sku));
    for stock in books.stock.iter().cloned().chain(missing.map(nothing)) {
        let Stock { sku, available, held, sold } = stock;
        let loaded = books.loaded.get(&sku).copied().unwrap_or_default();
        let counted = available + held + sold;
        if counted != loaded {
            violations.push(Violation::StockNotConserved { sku: sku.clone(), loaded, counted });
        }
        if held != 0 && !under_way {
            violations.push(Violation::StillHeld { sku: sku.clone(), held });
        }
        let ordered = ordered.get(sku.as_str()).copied().unwrap_or_default();
        // An order that waits for a person may have sold its goods or not.
        let settled = books.orders.iter().all(|(_, ended)| *ended != Status::Parked);
        if sold != ordered && settled && !under_way {
            violations.push(Violation::SoldDiffers { sku, ordered, sold });
        }
    }
    violations
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnded { order } => write!(f, "{order} has not ended"),
            Self::StockNotConserved { sku, loaded, counted } => {
                write!(f, "{loaded} of {sku} were loaded, and {counted} are accounted for")
            }
            Self::StillHeld { sku, held } => write!(f, "{held} of {sku} are held for nobody"),
            Self::SoldDiffers { sku, ordered, sold } => {
                write!(f, "{sold} of {sku} are sold, and completed orders come to {ordered}")
            }
            Self::Charges { order, ended, charges } => {
                write!(f, "{order} ended {ended} and was charged {}", counted(*charges, "time"))
            }
            Self::WrongAmount { order, costs: Some(costs), charged } => {
                write!(f, "{order} costs {costs} and was charged {charged}")
            }
            Self::WrongAmount { order, costs: None, charged } => {
                write!(f, "{order} has no total and was charged {charged}")
            }
            Self::Parcels { order, ended, parcels } => {
                write!(f, "{order} ended {ended} and has {}", counted(*parcels, "parcel"))
            }
            Self::Stale { what } => write!(f, "{what}, which was not its own any more"),
            Self::Promise { what } => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One completed order of two mugs, one compensated, and books that agree.
    fn good() -> Books {
        let order = |id: &str| {
            let line = r#"[{"sku":"mug","quantity":2,"unit_price":"12.50"}]"#;
            let text = format!(r#"{{"id":"{id}","customer":"Zoë","currency":"EUR","card":"tok_visa","lines":{line}}}"#);
            Order::read(text.as_bytes()).unwrap()
        };
        let done = order("done");
        let charge = Charged { id: "c".into(), order: "done".into(), total: done.total().unwrap(), refunded: false };
        let parcel = Sent { id: "p".into(), order: "done".into(), items: 2, cancelled: false };
        Books {
            orders: vec![(done, Status::Completed), (order("undone"), Status::Compensated)],
            loaded: [("mug".to_owned(), 10)].into(),
            stock: vec![Stock { sku: "mug".into(), available: 8, held: 0, sold: 2 }],
            charges: vec![charge],
            parcels: vec![parcel],
        }
    }

    /// What is said about books that were good before this change.
    fn after(change: impl FnOnce(&mut Books)) -> Vec<String> {
        let mut books = good();
        change(&mut books);
        judge(&books).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn good_books_are_left_alone() {
        assert_eq!(after(|_| {}), [""; 0]);
    }

    #[test]
    fn a_second_charge_is_seen() {
        let said = after(|books| books.charges.push(books.charges[0].clone()));
        assert_eq!(said, ["done ended completed and was charged 2 times"]);
    }

    #[test]
    fn a_completed_order_that_is_not_charged_is_seen() {
        let said = after(|books| books.charges.clear());
        assert_eq!(said, ["done ended completed and was charged 0 times"]);
    }

    #[test]
    fn a_charge_for_an_order_that_was_undone_is_seen() {
        let said = after(|books| {
            let charge = books.charges[0].clone();
            books.charges.push(Charged { order: "undone".into(), ..charge });
        });
        assert_eq!(said, ["undone ended compensated and was charged 1 time"]);
    }

    #[test]
    fn a_wrong_amount_is_seen() {
        let said = after(|books| books.charges[0].total = Money::parse("24.99", "EUR".parse().unwrap()).unwrap());
        assert_eq!(said, ["done costs 25.00 EUR and was charged 24.99 EUR"]);
    }

    #[test]
    fn a_parcel_that_is_missing_or_too_many_is_seen() {
        assert_eq!(after(|books| books.parcels.clear()), ["done ended completed and has 0 parcels"]);
        let said = after(|books| books.parcels.push(books.parcels[0].clone()));
        assert_eq!(said, ["done ended completed and has 2 parcels"]);
        let said = after(|books| {
            let parcel = books.parcels[0].clone();
            books.parcels.push(Sent { order: "undone".into(), ..parcel });
        });
        assert_eq!(said, ["undone ended compensated and has 1 parcel"]);
    }

    #[test]
    fn goods_that_stay_held_are_seen() {
        let said = after(|books| (books.stock[0].available, books.stock[0].held) = (7, 1));
        assert_eq!(said, ["1 of mug are held for nobody"]);
    }

    #[test]
    fn goods_that_vanish_or_appear_are_seen() {
        let said = after(|books| books.stock[0].available = 7);
        assert_eq!(said, ["10 of mug were loaded, and 9 are accounted for"]);
        let said = after(|books| books.stock[0].available = 9);
        assert_eq!(said, ["10 of mug were loaded, and 11 are accounted for"]);
        let said = after(|books| books.loaded.clear());
        assert_eq!(said, ["0 of mug were loaded, and 10 are accounted for"]);
        let said = after(|books| books.stock.clear());
        assert_eq!(said[0], "10 of mug were loaded, and 0 are accounted for");
    }

    #[test]
    fn goods_sold_that_nobody_bought_are_seen() {
        let said = after(|books| (books.stock[0].available, books.stock[0].sold) = (7, 3));
        assert_eq!(said, ["3 of mug are sold, and completed orders come to 2"]);
    }

    #[test]
    fn an_order_that_never_ends_is_seen() {
        let said = after(|books| books.orders[1].1 = Status::Running);
        assert_eq!(said, ["undone has not ended"]);
        let said = after(|books| {
            books.orders[1].1 = Status::Running;
            (books.stock[0].available, books.stock[0].held) = (7, 1);
        });
        assert_eq!(said, ["undone has not ended"], "what it holds is not held for nobody");
    }

    #[test]
    fn an_order_that_waits_for_a_person_may_be_charged_once_and_not_twice() {
        let parked = |books: &mut Books| books.orders[0].1 = Status::Parked;
        assert_eq!(after(parked), [""; 0]);
        let said = after(|books| {
            parked(books);
            books.charges.push(books.charges[0].clone());
        });
        assert_eq!(said, ["done ended parked and was charged 2 times"]);
    }
}
