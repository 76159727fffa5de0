//! Which keys this process is working on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::Identity;

/// The keys whose call is under way in this process. Another attempt learns so at once, without waiting for a
/// connection or for the database's write lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims(Arc<Mutex<HashSet<Identity>>>);

/// A key that one call holds, until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Claims,
    identity: Identity,
}

impl Claims {
    /// The key, unless another call holds it.
    pub(crate) fn take(&self, identity: &Identity) -> Option<Claim> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(identity.clone());
        fresh.then(|| Claim { claims: self.clone(), identity: identity.clone() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.identity);
    }
}
