//! What the library says to `tracing`, for tests that read it.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    rc::Rc,
    sync::Once,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

thread_local! {
    /// Whoever listens on this thread.
    static HERE: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// What is said on this thread, a line for each event that is not for debugging: its level, its text, its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

/// Listens until it is dropped.
#[must_use]
pub(crate) struct Listens;

impl Drop for Listens {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

impl Log {
    /// Listens for as long as the guard is there.
    pub(crate) fn here() -> (Self, Listens) {
        static ALL: Once = Once::new();
        // One for all threads: `tracing` remembers of a place in the code that nobody wants to hear of it if a thread comes there first
        // on which nobody listens.
        ALL.call_once(|| tracing::subscriber::set_global_default(Ears).expect("there is no other one"));
        let log = Self::default();
        HERE.set(Some(log.clone()));
        (log, Listens)
    }

    /// The lines that have this in them.
    pub(crate) fn lines(&self, about: &str) -> Vec<String> {
        self.0.borrow().iter().filter(|line| line.contains(about)).cloned().collect()
    }
}

/// Hears everything, and writes it down for whoever listens on its thread.
struct Ears;

impl Subscriber for Ears {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("saga_runtime")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        HERE.with_borrow(|here| {
            let Some(log) = here else { return };
            let mut said = Said::default();
            event.record(&mut said);
            let line = format!("{} {}{}", event.metadata().level(), said.text, said.fields);
            log.0.borrow_mut().push(line);
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Said {
    text: String,
    fields: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.text = format!("{value:?}"),
            name => write!(self.fields, " {name}={value:?}").expect("a string takes everything"),
        }
    }
}
