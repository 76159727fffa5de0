//! What the library writes by itself, to be changed: the journals of sagas that use every construct.

use saga_runtime::{
    fuzzing,
    prelude::*,
    store::{Filter, Row, Store, memory::Memory},
    testing::TokioClock,
};
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Refusal)]
enum No {
    Full { guest: String },
}

/// Seats a party: branches, an inner flow, a wait, a sleep, another saga, and a pivot.
struct Party;

#[saga(name = "party")]
impl Party {
    #[signal]
    const READY: Signal<Self, u32> = Signal::new("ready");

    #[flow]
    async fn run(&self, cx: &FlowContext, guests: Vec<String>) -> Result<usize, Unwind<No>> {
        #[state("door")]
        let door = self.seat(cx, "door").await?;
        let seats = match cx.join_all(&guests, 2, |guest| self.seat(cx, guest)).await {
            Ok(seats) => seats,
            Err(Failure::Refused(No::Full { .. })) => {
                let (one, two) = join!(self.seat(cx, "one"), self.coat(cx, &door)).await?;
                vec![one, two]
            }
            Err(other) => return Err(other.into()),
        };
        let ready = cx.wait(Self::READY).within("2d").await.unwrap_or_default();
        let nights = cx.child::<Nights>(format!("{ready}")).within("1h").await?;
        self.close(cx, seats.len()).await?;
        self.thank(cx, &nights).await?;
        Ok(seats.len())
    }

    #[flow(inner)]
    async fn coat(&self, cx: &FlowContext, guest: &str) -> Result<String, Unwind<No>> {
        let hook = self.seat(cx, guest).await?;
        cx.sleep("400d").await;
        Ok(hook)
    }

    #[step(retry(initial = "1ms", max = "1ms"))]
    async fn seat(&self, cx: &StepContext, guest: &str) -> Result<String, Failure<No>> {
        if guest.starts_with("no") {
            return Err(No::Full { guest: guest.to_owned() }.into());
        }
        if guest.starts_with("stranger") {
            return Err(Transient::park("who is that?").into());
        }
        if guest.starts_with("late") && cx.attempt() == 1 {
            return Err(Transient::new("not there yet").into());
        }
        Ok(guest.to_owned())
    }

    #[compensate(seat)]
    async fn free(&self, cx: &StepContext, guest: &str) -> Result<(), Transient> {
        if guest == "stuck" && cx.attempt() == 1 { Err(Transient::new("stuck")) } else { Ok(()) }
    }

    #[step(pivot)]
    async fn close(&self, cx: &StepContext, seats: usize) -> Result<(), Failure<No>> {
        let _ = cx.key();
        if seats == 1 { Err(No::Full { guest: "all".into() }.into()) } else { Ok(()) }
    }

    #[step(retriable)]
    async fn thank(&self, cx: &StepContext, _nights: &str) -> Result<(), Transient> {
        let _ = cx.key();
        Ok(())
    }
}

/// Another saga, which the first one calls.
struct Nights;

#[saga(name = "nights")]
impl Nights {
    #[flow]
    async fn run(&self, cx: &FlowContext, city: String) -> Result<String, Unwind<No>> {
        Ok(self.room(cx, &city).await?)
    }

    #[step]
    async fn room(&self, cx: &StepContext, city: &str) -> Result<String, Failure<No>> {
        Ok(format!("{city}, {}", cx.key()))
    }

    #[compensate(room)]
    async fn cancel_room(&self, cx: &StepContext) -> Result<(), Transient> {
        let _ = cx.undoes();
        Ok(())
    }
}

/// What the library has written.
#[derive(Debug, Default)]
pub struct Written {
    /// Whole journals, in the form that the decoder of journals reads.
    pub journals: Vec<String>,
    /// Their rows, each once.
    pub rows: Vec<String>,
    all: Vec<Vec<Row>>,
}

impl Written {
    /// Runs sagas until they end or are parked, in time that is paused, and takes their journals.
    ///
    /// # Panics
    /// They do neither.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("there is a runtime").block_on(run())
    }

    /// A journal as databases have it.
    pub(crate) fn packs(&self) -> Vec<String> {
        let pack = |rows: &[Row]| {
            let (first, last) = (rows.first()?, rows.last()?);
            let mut text = format!("{} {} {}\n{}", first.seq, last.seq, first.at, first.event);
            for pair in rows.windows(2) {
                let _ = write!(text, "\n{:+} {}", pair[1].at - pair[0].at, pair[1].event);
            }
            Some(text)
        };
        self.all.iter().flat_map(|rows| rows.chunks(3)).filter_map(pack).collect()
    }

    /// Inputs, arguments and answers, and how they are saved.
    pub(crate) fn values(&self) -> Vec<String> {
        let mut values: Vec<String> =
            ["{\"value\":{\"a\":[1,2.50]}}", "7", "[7,\"order\"]", "null", "{\"Ok\":1,\"b\":{\"d\":1,\"c\":2}}"]
                .map(str::to_owned)
                .into();
        for row in &self.rows {
            let Ok(row) = serde_json::from_str::<serde_json::Value>(row) else { continue };
            values.extend(row.as_object().into_iter().flat_map(|fields| fields.values()).map(ToString::to_string));
        }
        values
    }

    fn add(&mut self, rows: Vec<Row>) {
        for row in &rows {
            let event = row.event.to_string();
            if !self.rows.contains(&event) {
                self.rows.push(event);
            }
        }
        let line = |row: &Row| format!("@{} {}", row.at, row.event);
        let lines: Vec<String> = rows.iter().map(line).collect();
        // From a snapshot in the middle on, as the engine reads a long journal.
        for middle in 1..rows.len() {
            let snapshot = fuzzing::snapshot(&rows[..middle]).expect("what was written can be folded");
            let after = lines[middle..].join("\n");
            self.journals.push(format!("#{}\n{snapshot}\n{after}", middle + 1));
            if middle % 4 == 1 {
                self.rows.push(snapshot);
            }
        }
        self.journals.push(lines.join("\n"));
        self.all.push(rows);
    }
}

async fn run() -> Written {
    let store = Arc::new(Memory::default());
    let runtime =
        Runtime::builder().clock(Arc::new(TokioClock::at(0))).shared_store(Arc::clone(&store) as Arc<dyn Store>);
    let runtime = runtime.register(Party).register(Nights).start().await.expect("it starts");
    for (id, guests) in [
        ("all", &["ada", "bob", "late eve"][..]),
        ("caught", &["ada", "no one", "bob"]),
        ("refused", &["stuck"]),
        ("nobody", &[]),
        ("parked", &["ada", "stranger"]),
        ("cancelled", &["ada"]),
    ] {
        let guests: Vec<String> = guests.iter().map(|&guest| guest.to_owned()).collect();
        let party = runtime.start::<Party>(id, guests).await.expect("it is started");
        if id == "cancelled" {
            let _ = party.cancel("changed her mind").await;
        }
        party.settled().await.expect("it settles");
    }
    let mut written = Written::default();
    let found = store.list(&Filter::default(), None, 100).await.expect("it can be read");
    for instance in found {
        written.add(store.journal(instance.no, 1, 1000).await.expect("it can be read"));
    }
    runtime.shutdown(Duration::from_secs(1)).await;
    written
}
