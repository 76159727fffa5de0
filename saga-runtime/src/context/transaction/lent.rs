//! The transaction of an attempt, as its driver's own connection.

use super::Held;
use crate::{
    context::StepContext,
    failure::Transient,
    store::{StoreError, Storing, Transaction, Write, Written},
};
use std::{any::Any, fmt, future::ready};
use tokio::sync::{MappedMutexGuard, MutexGuard};

impl StepContext {
    /// The connection, if there is one of this kind and nobody uses it.
    pub(super) fn lent<C: Send + 'static>(&self, kind: &str) -> Result<MappedMutexGuard<'_, C>, Transient> {
        let state = &self.state;
        let Some(held) = &self.held.0 else {
            if state.is_empty() {
                // A detached context has no state.
                return Err(Transient::park(
                    "there is no transaction outside a runtime: put a connection in beforehand, with \
                     `FlowContext::detached().with_transaction(connection)`",
                ));
            }
            return Err(Transient::park(format_args!(
                "`{state}` has no transaction: it is for steps that say `#[step(transaction)]`, and for their compensations"
            )));
        };
        let Ok(guard) = held.try_lock() else {
            return Err(Transient::park(format_args!(
                "the transaction of `{state}` is in use: drop what `cx.transaction()` gave before taking it again"
            )));
        };
        let connection = MutexGuard::try_map(guard, |held| {
            let connection: &mut dyn Any = held.as_mut()?.connection();
            connection.downcast_mut::<C>()
        });
        connection.map_err(|_| Transient::park(format_args!("the transaction of `{state}` is not {kind}")))
    }
}

/// What stands for a transaction in a test: a connection of the test's own.
struct Given<C>(C);

pub(super) fn given<C: Send + 'static>(connection: C) -> Held {
    Held::of(Box::new(Given(connection)))
}

impl<C> fmt::Debug for Given<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl<C: Send + 'static> Transaction for Given<C> {
    fn connection(&mut self) -> &mut (dyn Any + Send) {
        &mut self.0
    }

    fn commit(self: Box<Self>, _: &[Write]) -> Storing<'_, Vec<Written>> {
        Box::pin(ready(Err(StoreError::Unusable("there is no store here".into()))))
    }

    fn rollback(self: Box<Self>) -> Storing<'static, ()> {
        Box::pin(ready(Ok(())))
    }
}
