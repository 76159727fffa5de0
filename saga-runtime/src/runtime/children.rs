//! Whether the sagas that others start are there to be run.

use super::Error;
use crate::{
    definition::{ChildKind, Definition},
    engine::erased::AnySaga,
};
use std::{collections::HashMap, sync::Arc};

/// Each is run by this runtime, or said to be run by another one.
pub(super) fn check(
    sagas: &HashMap<&'static str, Arc<dyn AnySaga>>,
    elsewhere: &HashMap<&'static str, &'static Definition>,
) -> Result<(), Error> {
    let mut all: Vec<_> = sagas.iter().map(|(name, saga)| (*name, saga.definition())).collect();
    all.sort_by_key(|(name, _)| *name);
    for (saga, definition) in all {
        for child in definition.children {
            let name = (child.definition)().name;
            if sagas.contains_key(name) || elsewhere.contains_key(name) {
                continue;
            }
            let (starts, then) = match child.kind {
                ChildKind::Launched => ("launches", "nobody would run what it launches"),
                _ => ("calls", "it would wait for ever"),
            };
            return Err(Error::invalid(&format!(
                "saga `{saga}` {starts} saga `{name}`, which is not registered, so that {then}: add `.register(..)` for it, or, \
                 if another runtime on this store runs it, `.elsewhere::<..>()`"
            )));
        }
    }
    Ok(())
}
