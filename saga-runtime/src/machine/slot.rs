//! The locals of a flow that live across a step.

use super::{
    call::Unreadable,
    check::{ReadBack, Written},
    json::{Json, JsonError, decode, encode, same_value},
};
use sha2::{Digest, Sha256};

/// A local that lives across a step must be saved: written, read back, and sent between threads.
///
/// Where a value is asked directly, the three are bounds of their own, because rustc names the bound as it is written.
pub trait Persist: Written + ReadBack + Send {}
impl<T: Written + ReadBack + Send> Persist for T {}

/// The hash of a value as last saved.
pub(super) type Digest256 = [u8; 32];

/// The hash of a stored text.
pub(super) fn digest(json: &str) -> Digest256 {
    Sha256::digest(json.as_bytes()).into()
}

/// One local that lives across a step, as the machine holds it between two arms.
///
/// Bounds stand neither on the type nor on `put` and `take`, but on opening alone ([`Across`](super::Across)), so that a
/// wrong type is one error, at the user's own name.
#[derive(Debug)]
pub struct Slot<T> {
    name: &'static str,
    value: Option<T>,
    /// What was loaded and has not been needed yet.
    loaded: Option<Json>,
    /// How to write and read `T`: known since the slot was opened.
    codec: Option<Codec<T>>,
    /// The hash of what is stored under the name, if this is what is stored.
    stored: Option<Digest256>,
    /// Whether the value may be other than what is stored.
    changed: bool,
}

type Codec<T> = (fn(&T) -> Result<Json, JsonError>, fn(&serde_json::value::RawValue) -> Result<T, JsonError>);

impl<T> Slot<T> {
    /// An empty slot, or one whose value was loaded.
    pub fn new(name: &'static str, loaded: Option<Json>) -> Self {
        let stored = loaded.as_ref().map(|json| digest(json.get()));
        Self { name, value: None, loaded, codec: None, stored, changed: false }
    }

    /// Moves the value out, into a local of its name.
    ///
    /// A value that is missing or cannot be read ends the machine with a typed error: the instance is parked.
    pub fn take(&mut self) -> T {
        if let Some(value) = self.value.take() {
            return value;
        }
        let unreadable = |reason| Unreadable { what: "saved value", name: self.name.into(), reason };
        match (self.loaded.take(), self.codec) {
            (Some(json), Some((_, decode))) => decode(&json).unwrap_or_else(|error| halt(unreadable(error.0))),
            _ => halt(unreadable("it is missing".into())),
        }
    }

    /// Puts a new value, or one that may have changed.
    pub fn put(&mut self, value: T) {
        self.loaded = None;
        self.value = Some(value);
        self.changed = true;
    }

    /// Puts back a value that cannot have changed since it was taken (the local is not `mut`).
    pub fn keep(&mut self, value: T) {
        self.value = Some(value);
    }
}

impl<T: Written + ReadBack + Send> Slot<T> {
    /// From here on the slot can be saved and loaded.
    pub(super) fn open(&mut self) {
        self.codec = Some((encode, decode));
    }
}

/// A slot whose type does not matter: what the executor saves.
pub trait AnySlot {
    /// The local's name.
    fn name(&self) -> &'static str;
    /// The value, if it is another than what was last saved under this slot.
    fn save(&mut self) -> Result<Saved, Unreadable>;
    /// What is stored was stored under another slot of the same name: write again next time.
    fn forget(&mut self);
}

/// What is to be stored of a slot.
#[derive(Debug)]
pub enum Saved {
    /// What is stored is still right.
    Unchanged(Digest256),
    /// This is to be stored.
    Changed(Json, Digest256),
}

impl<T> AnySlot for Slot<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn save(&mut self) -> Result<Saved, Unreadable> {
        if let (Some(stored), false) = (self.stored, self.changed) {
            return Ok(Saved::Unchanged(stored));
        }
        let unreadable = |reason| Unreadable { what: "saved value", name: self.name.into(), reason };
        if let Some(json) = &self.loaded {
            let hash = digest(json.get());
            self.stored = Some(hash);
            return Ok(Saved::Changed(json.clone(), hash));
        }
        let (Some(value), Some((encode, decode))) = (&self.value, self.codec) else {
            return Err(unreadable("it is missing".into()));
        };
        let json = encode(value).map_err(|error| unreadable(error.0))?;
        if cfg!(debug_assertions) {
            // Debug builds go on with what a crash would bring back, so that a value that does not come back is found
            // before a crash finds it (docs/semantics.md, rule 5).
            let back = decode(&json).map_err(|error| unreadable(format!("it cannot be read back: {}", error.0)))?;
            let again = encode(&back).map_err(|error| unreadable(error.0))?;
            if !same_value(&json, &again) {
                return Err(unreadable(format!("it changes when it is saved and read back: {json} became {again}")));
            }
            self.value = Some(back);
        }
        let hash = digest(json.get());
        self.changed = false;
        if self.stored == Some(hash) {
            return Ok(Saved::Unchanged(hash));
        }
        self.stored = Some(hash);
        Ok(Saved::Changed(json, hash))
    }

    fn forget(&mut self) {
        self.stored = None;
    }
}

/// Ends the machine with a typed error, without the panic hook's noise: whoever drives it catches this and parks the
/// instance. The machine is dropped and never polled again.
pub(super) fn halt(error: Unreadable) -> ! {
    std::panic::resume_unwind(Box::new(error))
}
