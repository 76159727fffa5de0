//! Placing the orders: so many as are released, and a few at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::orders::{self, Shipped};
use crate::Failed;
use crate::order::Order;
use crate::place::AT_A_TIME;
use crate::shop::Shop;

/// How long an order is sent again while the orchestrator is down.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends orders for as long as it lives.
pub(super) struct Feed {
    shop: Shop,
    gate: Arc<Semaphore>,
    sending: JoinSet<Result<Order, Failed>>,
    released: usize,
}

impl Feed {
    /// One that has sent nothing yet.
    pub(super) fn new(shop: &Shop) -> Self {
        let gate = Arc::new(Semaphore::new(AT_A_TIME));
        Self { shop: shop.clone(), gate, sending: JoinSet::new(), released: 0 }
    }

    /// How many were released.
    pub(super) fn released(&self) -> usize {
        self.released
    }

    /// Sends orders until there were so many.
    pub(super) fn release(&mut self, all: usize) -> Result<(), Failed> {
        while self.released < all {
            let Shipped { order, text } = orders::nth(self.released)?;
            self.released += 1;
            let (shop, gate) = (self.shop.clone(), Arc::clone(&self.gate));
            self.sending.spawn(async move {
                let _turn = gate.acquire_owned().await;
                shop.place(&text, PATIENCE).await.map_err(|error| format!("{}: {error}", order.id))?;
                Ok(order)
            });
        }
        Ok(())
    }

    /// One that was accepted, if there is one that was not told of.
    pub(super) fn accepted(&mut self) -> Result<Option<Order>, Failed> {
        self.sending.try_join_next().map(|sent| sent?).transpose()
    }
}
