//! The bare group-committing writer: what W1 and W2 cost with durable results and nothing else.
//!
//! It has no leases, no retries, no timers, no recovery, and does not know an id twice. A saga is a task; what it has to say goes to
//! the one writer, which takes whatever is ready, commits it in one transaction, and answers. One table has a row for each
//! instance, one a row for each result and for the end; the end commits with the last result, since nothing begins between them.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::{
    job::{Boss, Job, Seen},
    payload::{Answer, Order},
    place::Place,
};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// At most so many writes are in one transaction.
const BATCH: usize = 1024;

/// A row of the journal.
struct Row {
    instance: i64,
    seq: i64,
    event: String,
}

/// What is written at once.
enum Write {
    /// A new instance, with its input.
    Start(i64, String),
    Row(Row),
    /// The last two.
    Rows([Row; 2]),
}

/// A write, and whoever waits for it to be durable.
type Asked = (Write, oneshot::Sender<()>);

/// The way to the writer.
struct Writer(mpsc::UnboundedSender<Asked>);

impl Writer {
    async fn write(&self, write: Write) -> Result<(), String> {
        let (answer, written) = oneshot::channel();
        let gone = || "the bare writer has ended".to_owned();
        self.0.send((write, answer)).map_err(|_| gone())?;
        written.await.map_err(|_| gone())
    }
}

/// W1 or W2 in the closed loop.
pub(super) async fn run(job: &Job, refused: bool, boss: &mut Boss) -> Result<Seen, String> {
    let (send, asked) = mpsc::unbounded_channel();
    let writer = match &job.place {
        Place::Sqlite { file } => {
            let mut tables = sqlite::Tables::create(file)?;
            tokio::task::spawn_blocking(move || tables.write(asked))
        }
        Place::Postgres { url, schema, .. } => {
            let mut tables = postgres::Tables::create(url, schema).await?;
            tokio::spawn(async move { tables.write(asked).await })
        }
    };
    let server = job.place.server().await?;
    boss.ready().await;
    let ways = Arc::new(Writer(send));
    let flight = job.flight(server);
    let flown = flight.fly(move |number| once(Arc::clone(&ways), Order { number, refused })).await;
    // Its own error says more than that it is not there.
    writer.await.map_err(|error| error.to_string())??;
    Ok(flown?.into())
}

async fn once(writer: Arc<Writer>, order: Order) -> Result<(), String> {
    let instance = order.number.cast_signed();
    let row = |seq, event| Row { instance, seq, event };
    writer.write(Write::Start(instance, json(&order)?)).await?;
    for (seq, participant) in (1..).zip(["inventory", "payments", "warehouse"]) {
        writer.write(Write::Row(row(seq, json(&Answer::new(participant, order.number))?))).await?;
    }
    if !order.refused {
        let sent = Answer::new("shipping", order.number);
        let rows = [row(4, json(&sent)?), row(5, json(&sent.reference)?)];
        return writer.write(Write::Rows(rows)).await;
    }
    writer.write(Write::Row(row(4, r#"{"refused":"no_courier"}"#.to_owned()))).await?;
    for (seq, step) in (5..).zip(["pack", "charge"]) {
        writer.write(Write::Row(row(seq, format!(r#"{{"undone":"{step}"}}"#)))).await?;
    }
    let rows = [row(7, r#"{"undone":"reserve"}"#.to_owned()), row(8, r#""compensated""#.to_owned())];
    writer.write(Write::Rows(rows)).await
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
