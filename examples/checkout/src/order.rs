//! An order as it is stored, and the checks that it passed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::money::{Currency, Money};
use crate::problem::{FieldError, Problem};

/// The most lines of one order.
const MAX_LINES: usize = 100;

/// The most of one thing in one line.
const MAX_QUANTITY: u32 = 1_000_000;

/// What a customer wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Chosen by the caller; the saga's id too.
    pub id: String,
    /// Who gets the parcel.
    pub customer: String,
    /// What all prices are in.
    pub(crate) currency: Currency,
    /// A token of the card to charge, never its number.
    pub(crate) card: String,
    /// What is ordered, at least one line.
    pub(crate) lines: Vec<Line>,
}

/// So many of one thing, at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The thing.
    pub(crate) sku: String,
    /// How many, at least one.
    pub(crate) quantity: u32,
    /// What each of them costs.
    pub(crate) unit_price: Money,
}

/// An order as it arrives. Every field may be missing, so that one answer can name all that are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    id: Option<String>,
    customer: Option<String>,
    currency: Option<String>,
    card: Option<String>,
    lines: Option<Vec<DraftLine>>,
}

/// A line as it arrives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with sku, quantity and unit_price")]
struct DraftLine {
    sku: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<String>,
}

impl Order {
    /// Reads and checks an order. The problem names every field that has to change.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let draft: Draft = json::read(bytes)?;
        let mut errors = Errors::default();
        let order = errors.order(draft);
        match order {
            Some(order) if errors.0.is_empty() => Ok(order),
            _ => Err(Problem::invalid(errors.0)),
        }
    }

    /// What all lines come to.
    pub(crate) fn total(&self) -> Result<Money, crate::money::MoneyError> {
        self.lines
            .iter()
            .try_fold(Money::zero(self.currency), |sum, line| sum.plus(line.unit_price.times(line.quantity)?))
    }
}

/// Why a text is no order: a sentence for each field that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOrder(String);

impl fmt::Display for BadOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadOrder {}

impl FromStr for Order {
    type Err = BadOrder;

    /// Reads what a customer would send, and checks it as it is checked there.
    fn from_str(json: &str) -> Result<Self, BadOrder> {
        Self::read(json.as_bytes()).map_err(|problem| BadOrder(problem.detail))
    }
}

/// A name that stands in a path: letters, digits, `.`, `_` and `-`, at most 64 of them.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// What [`is_name`] asks for, in words.
pub(crate) const NAME_RULE: &str = "must be 1 to 64 letters, digits, '.', '_' or '-'";

/// The fields that should be names and are none.
pub(crate) fn bad_names(fields: &[(&str, &str)]) -> Vec<FieldError> {
    let bad = fields.iter().filter(|(_, name)| !is_name(name));
    bad.map(|(pointer, _)| FieldError::new(*pointer, NAME_RULE)).collect()
}

/// What was wrong so far. A check that fails notes it and gives nothing.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn order(&mut self, draft: Draft) -> Option<Order> {
        let id = self.text("/id", draft.id, is_name, NAME_RULE);
        let rule = "must be 1 to 200 characters, none of them a control character";
        let readable = |text: &str| (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let customer = self.text("/customer", draft.customer, readable, rule);
        let currency = self.present("/currency", draft.currency);
        let currency = currency.and_then(|code| self.ok("/currency", code.parse()));
        let rule = "must be 1 to 64 visible ASCII characters";
        let visible = |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let card = self.text("/card", draft.card, visible, rule);
        let lines = self.present("/lines", draft.lines);
        let lines = lines.and_then(|lines| self.lines(lines, currency));
        let order = Order { id: id?, customer: customer?, currency: currency?, card: card?, lines: lines? };
        self.ok("/lines", order.total())?;
        Some(order)
    }

    fn lines(&mut self, drafts: Vec<DraftLine>, currency: Option<Currency>) -> Option<Vec<Line>> {
        if !(1..=MAX_LINES).contains(&drafts.len()) {
            return self.wrong("/lines", format!("must have 1 to {MAX_LINES} lines"));
        }
        let lines: Vec<Option<Line>> = drafts
            .into_iter()
            .enumerate()
            .map(|(index, draft)| self.line(&format!("/lines/{index}"), draft, currency))
            .collect();
        lines.into_iter().collect()
    }

    fn line(&mut self, at: &str, draft: DraftLine, currency: Option<Currency>) -> Option<Line> {
        let sku = self.text(&format!("{at}/sku"), draft.sku, is_name, NAME_RULE);
        let field = format!("{at}/quantity");
        let quantity = self.present(&field, draft.quantity).and_then(|quantity| match u32::try_from(quantity) {
            Ok(quantity @ 1..=MAX_QUANTITY) => Some(quantity),
            _ => self.wrong(&field, format!("must be from 1 to {MAX_QUANTITY}")),
        });
        let field = format!("{at}/unit_price");
        let unit_price = self.present(&field, draft.unit_price);
        // Without a currency nothing can be said about a price.
        let unit_price = self.ok(&field, Money::parse(&unit_price?, currency?))?;
        if unit_price.is_zero() {
            return self.wrong(&field, "must be more than zero");
        }
        Some(Line { sku: sku?, quantity: quantity?, unit_price })
    }

    fn present<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            return self.wrong(field, "is missing");
        }
        value
    }

    fn text(
        &mut self,
        field: &str,
        value: Option<String>,
        rule: impl Fn(&str) -> bool,
        rule_in_words: &str,
    ) -> Option<String> {
        let value = self.present(field, value)?;
        if rule(&value) { Some(value) } else { self.wrong(field, rule_in_words) }
    }

    fn ok<T, E: fmt::Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.wrong(field, error.to_string()),
        }
    }

    fn wrong<T>(&mut self, field: &str, detail: impl Into<String>) -> Option<T> {
        self.0.push(FieldError::new(field, detail));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        json!({
            "id": "order-42", "customer": "Zoë Müller", "currency": "EUR", "card": "tok_visa",
            "lines": [{"sku": "mug", "quantity": 2, "unit_price": "12.50"}],
        })
    }

    fn with(pointer: &str, value: Value) -> Vec<u8> {
        let mut order = good();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = order.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
            Value::Object(fields) => {
                fields.insert(field.to_owned(), value);
            }
            other => panic!("{other} has no fields"),
        }
        order.to_string().into_bytes()
    }

    fn blamed(body: &[u8]) -> Vec<String> {
        let problem = Order::read(body).unwrap_err();
        assert_eq!(problem.status, 422, "{problem:?}");
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_good_order_is_read_and_priced() {
        let order = Order::read(good().to_string().as_bytes()).unwrap();
        assert_eq!(order.total().unwrap().to_string(), "25.00 EUR");
    }

    #[test]
    fn an_order_is_stored_as_it_was_read() {
        let order = Order::read(good().to_string().as_bytes()).unwrap();
        let stored = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&stored).unwrap(), order);
    }

    #[test]
    fn each_bad_field_is_named() {
        for (pointer, value) in [
            ("/id", json!("")),
            ("/id", json!("a/b")),
            ("/id", json!("x".repeat(65))),
            ("/id", json!(7)),
            ("/customer", json!("")),
            ("/customer", json!("a\nb")),
            ("/currency", json!("eur")),
            ("/currency", json!("XXX")),
            ("/card", json!("a card")),
            ("/lines", json!([])),
            ("/lines", json!("mug")),
            ("/lines/0/sku", json!("a b")),
            ("/lines/0/quantity", json!(0)),
            ("/lines/0/quantity", json!(-1)),
            ("/lines/0/quantity", json!(1_000_001)),
            ("/lines/0/quantity", json!(1.5)),
            ("/lines/0/quantity", json!("2")),
            ("/lines/0/unit_price", json!(12.5)),
            ("/lines/0/unit_price", json!("-1")),
            ("/lines/0/unit_price", json!("0.00")),
            ("/lines/0/unit_price", json!("1.005")),
            ("/colour", json!("red")),
            ("/lines/0/colour", json!("red")),
        ] {
            assert_eq!(blamed(&with(pointer, value.clone())), [pointer], "{pointer} {value}");
        }
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        assert_eq!(blamed(b"{}"), ["/id", "/customer", "/currency", "/card", "/lines"]);
        let empty_line = with("/lines/0", json!({}));
        assert_eq!(blamed(&empty_line), ["/lines/0/sku", "/lines/0/quantity", "/lines/0/unit_price"]);
    }

    #[test]
    fn what_is_no_object_is_told_so_without_a_rust_name() {
        let fields = r#"["o-1", "Zoe", "EUR", "tok_visa", [{"sku": "mug", "quantity": 1, "unit_price": "1"}]]"#;
        for body in ["[]", " [1]", "7", "null", "\"order\"", fields] {
            let problem = Order::read(body.as_bytes()).unwrap_err();
            assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, ""), "{body}");
            assert!(problem.detail.starts_with("the body is no JSON object; write its fields by name"), "{problem:?}");
        }
        for (pointer, value, said) in [
            ("/lines/0", json!([]), "/lines/0 invalid length 0, expected an object with sku, quantity and unit_price"),
            ("/lines/0", json!("mug"), "expected an object with sku, quantity and unit_price"),
            (
                "/lines/0/quantity",
                json!(1.5),
                "/lines/0/quantity invalid type: floating point `1.5`, expected a whole number",
            ),
        ] {
            let problem = Order::read(&with(pointer, value)).unwrap_err();
            assert!(problem.detail.contains(said), "{problem:?}");
        }
    }

    #[test]
    fn a_bad_order_says_each_thing_once() {
        let said =
            r#"{"customer": "Zoe", "currency": "EUR", "card": "tok_visa"}"#.parse::<Order>().unwrap_err().to_string();
        assert_eq!(said, "/id is missing; /lines is missing");
    }

    #[test]
    fn a_total_that_is_too_large_is_refused() {
        let line = json!({"sku": "yacht", "quantity": 1_000_000, "unit_price": "9999999.99"});
        assert_eq!(blamed(&with("/lines/0", line)), ["/lines"]);
    }

    #[test]
    fn what_is_no_json_is_told_apart() {
        for body in ["", "{", "order", "{} {}", "\u{feff}{}"] {
            let problem = Order::read(body.as_bytes()).unwrap_err();
            assert_eq!((problem.status, problem.kind.as_str()), (400, "/problems/malformed-json"));
        }
    }
}
