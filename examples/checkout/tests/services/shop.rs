//! All four services together.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Service, send};

/// A shop with ten mugs and ten teapots.
pub(crate) struct Shop {
    pub(crate) inventory: Service,
    pub(crate) payments: Service,
    pub(crate) shipping: Service,
    pub(crate) orders: Service,
}

impl Shop {
    /// Starts all four, with these faults in the participants.
    pub(crate) async fn open(faults: &str) -> Self {
        let inventory = Service::inventory("none").await;
        inventory.put("/stock/teapot", &json!({"available": 10})).await;
        inventory.put("/faults", &fields(faults)).await;
        let payments = Service::start("payments", faults);
        let shipping = Service::start("shipping", faults);
        let urls = [inventory.url(), payments.url(), shipping.url()].map(str::to_owned);
        let [inventory_url, payments_url, shipping_url] = &urls;
        let options = ["--inventory", inventory_url, "--payments", payments_url, "--shipping", shipping_url];
        let orders = Service::with_options("orders", &options);
        Self { inventory, payments, shipping, orders }
    }

    /// Places an order and waits until it is settled.
    pub(crate) async fn settle(&self, order: &Value) -> Value {
        let (status, answer) = send(self.orders.post("/orders").json(order)).await;
        assert_eq!(status, 202, "{answer}");
        self.settled(order["id"].as_str().unwrap()).await
    }

    /// Waits until an order is settled.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let begun = Instant::now();
        loop {
            let order = self.orders.get(&format!("/orders/{id}")).await;
            if order["status"] != "running" {
                return order;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "never settled: {order}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many charges and parcels there are for an order.
    pub(crate) async fn charges_and_parcels(&self, id: &str) -> (usize, usize) {
        let charges = self.payments.get(&format!("/charges?order={id}")).await;
        let parcels = self.shipping.get(&format!("/parcels?order={id}")).await;
        (charges.as_array().unwrap().len(), parcels.as_array().unwrap().len())
    }
}

/// `a=1,b=2` as an object.
fn fields(faults: &str) -> Value {
    let pairs = faults.split(',').filter_map(|part| part.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.parse::<Value>().unwrap()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// An order for two mugs.
pub(crate) fn two_mugs(id: &str) -> Value {
    json!({
        "id": id, "customer": "Zoë Müller", "currency": "EUR", "card": "tok_visa",
        "lines": [{"sku": "mug", "quantity": 2, "unit_price": "12.50"}],
    })
}

/// An order for two mugs and so many teapots, paid with this card.
pub(crate) fn mugs_and_teapots(id: &str, teapots: u32, card: &str) -> Value {
    let mut order = two_mugs(id);
    order["card"] = card.into();
    let teapots = json!({"sku": "teapot", "quantity": teapots, "unit_price": "34.90"});
    order["lines"].as_array_mut().unwrap().push(teapots);
    order
}
