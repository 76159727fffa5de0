//! Whether what the store holds is as it was promised, asked by a runtime.

use super::{Error, Runtime};
use crate::{
    definition::Definition,
    engine::Engine,
    store::{Instance, Status, StoreError, outside},
    verify::{Ledger, Promise, Verdict, Violation, pass},
};
use std::time::Duration;

/// For so long at the most it is waited for that what was seen half-way is over.
const PATIENCE: Duration = Duration::from_secs(10);

/// So often it is looked whether it is.
const LOOKS: u32 = 100;

impl Runtime {
    /// Reads every instance in the store, whoever runs it, and says which promises are broken; with a ledger, also whether what
    /// participants accepted is what the journals say (see [`verify`](crate::verify)).
    ///
    /// It can be called at any time, also while sagas run and workers come and go: it writes nothing, keeps nobody waiting, and gives no
    /// false alarm. The store is read in pages, so that it takes time and not memory. Attempts are held against the policies of the
    /// sagas that are registered here or [elsewhere](super::Builder::elsewhere), as in [`verify_by`](crate::verify::verify_by). Of
    /// what is this runtime's own, it is also asked whether it has a task here, and whether what is parked has none: an instance of
    /// which that seems not to be so is looked at again, for up to ten seconds.
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Greeting;
    /// # #[saga(name = "greeting")]
    /// # impl Greeting {
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<Refused>> {
    /// #         Ok(self.words(cx, &name).await?)
    /// #     }
    /// #     #[step(no_compensation = "words do no harm")]
    /// #     async fn words(&self, cx: &StepContext, name: &str) -> Result<String, Failure<Refused>> {
    /// #         let _ = cx.key();
    /// #         Ok(format!("hello {name}"))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use saga_runtime::verify::Ledger;
    ///
    /// let runtime = Runtime::builder().store(Memory::default()).register(Greeting).start().await?;
    /// runtime.start::<Greeting>("greeting-7", "Ada".to_owned()).await?.result().await?;
    /// let verdict = runtime.verify(&Ledger::default()).await?;
    /// assert!(verdict.violations.is_empty(), "{verdict}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// It only reads: dropped, it has no trace.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn verify(&self, ledger: &Ledger) -> Result<Verdict, Error> {
        outside().map_err(|inside| Error::invalid(&inside))?;
        let engine = self.engine();
        let registered = engine.sagas.values().map(|saga| saga.definition());
        let definitions: Vec<&'static Definition> = registered.chain(self.owner.elsewhere.iter().copied()).collect();
        let mut odd = Vec::new();
        let mut verdict = pass(&*engine.store, ledger, &definitions, &mut |instance| {
            if seems(engine, instance).is_some() {
                odd.push(instance.clone());
            }
        })
        .await?;
        for instance in odd {
            if let Some((promise, what)) = stays(engine, &instance).await? {
                let Instance { saga, id, .. } = instance;
                verdict.violations.push(Violation { promise, saga, id, row: None, what: what.into() });
            }
        }
        Ok(verdict)
    }
}

/// What is wrong with an instance by what runs here, at this moment. One that was just claimed, or is just let go, seems wrong, too.
fn seems(engine: &Engine, instance: &Instance) -> Option<(Promise, &'static str)> {
    if engine.is_stopping() {
        return None;
    }
    let parked = instance.status == Status::Parked;
    match (instance.owner, engine.hub.runs(instance.no)) {
        (Some(owner), false) if owner == engine.life().epoch => {
            let promise = if parked { Promise::Isolation } else { Promise::Ends };
            Some((promise, "it is owned by this worker, and nothing here works at it"))
        }
        (None, true) if parked => Some((Promise::Isolation, "it is parked, and a task of it is here")),
        _ => None,
    }
}

/// The same, if it stays so and nothing of it moves.
async fn stays(engine: &Engine, before: &Instance) -> Result<Option<(Promise, &'static str)>, StoreError> {
    let length = engine.store.length(before.no).await?;
    for _ in 0..LOOKS {
        tokio::time::sleep(PATIENCE / LOOKS).await;
        let same = engine.store.find(&before.saga, &before.id).await?.is_some_and(|now| now == *before);
        if seems(engine, before).is_none() || !same || engine.store.length(before.no).await? != length {
            return Ok(None);
        }
    }
    Ok(seems(engine, before))
}
