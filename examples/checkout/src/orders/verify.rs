//! Whether the orders are as they were promised: the sagas, held against what the services have accepted.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Client;
use saga_runtime::verify::{Effect, Ledger};

use crate::Failed;
use crate::participant::AcceptedCall;

/// Where the services listen.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) inventory: String,
    pub(crate) payments: String,
    pub(crate) shipping: String,
}

impl Services {
    /// What they have accepted by now. They know keys, and no sagas: whose they are, the keys tell.
    pub(crate) async fn ledger(&self) -> Result<Ledger, Failed> {
        // What ends later is not held against it.
        let collected_at = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
        let mut accepted = Vec::new();
        for url in [&self.inventory, &self.payments, &self.shipping] {
            let answer = Client::new().get(format!("{}/accepted", url.trim_end_matches('/'))).send().await?;
            accepted.extend(answer.error_for_status()?.json::<Vec<AcceptedCall>>().await?);
        }
        // Each of them tells in order.
        accepted.sort_by_key(|call| call.at);
        Ok(Ledger { effects: accepted.into_iter().map(effect).collect(), collected_at })
    }
}

fn effect(call: AcceptedCall) -> Effect {
    let AcceptedCall { key, action, undoes, changed, .. } = call;
    // What the services call what the saga's steps ask of them.
    let step = match action.as_str() {
        "hold" => "reserve",
        "parcel" => "ship",
        same => same,
    };
    let (saga, id) = ("checkout".into(), "".into());
    Effect { saga, id, step: step.into(), key: key.into(), undoes: undoes.map(Into::into), changed }
}
