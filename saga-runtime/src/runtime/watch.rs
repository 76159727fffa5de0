//! An instance's timeline while it grows.

use super::{Entry, Error, Handle, news::News, timeline::Reader};
use crate::{
    engine::{
        SECOND,
        load::{read, snapshot_at},
    },
    machine::Saga,
    store::{Micros, Row},
};
use futures_util::stream::{Stream, unfold};
use std::{collections::VecDeque, fmt};

/// How many rows are read at a time.
const PAGE: usize = 256;

/// What another runtime wrote is noticed this much later at the most.
const SELDOM: Micros = 15 * SECOND;

impl<S: Saga> Handle<S> {
    /// The entries of the timeline after this row, and then each new one when it is there, up to the end of the instance. From 0
    /// on that is all of them.
    ///
    /// Each entry carries its row, and that is the position: whoever was cut off goes on with a new watch from the last row it
    /// has seen, on any runtime with this store, and misses nothing and sees nothing twice. Rows that this runtime writes are
    /// told at once; those of another one at the latest when the watch looks for them, after a second at first and every fifteen
    /// where nothing happens. Nobody waits for a watch: it reads at its own pace, a page of rows at a time.
    ///
    /// ```
    /// # use saga_runtime::{prelude::*, store::memory::Memory};
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Refusal)]
    /// # struct Refused;
    /// # struct Greeting;
    /// # #[saga]
    /// # impl Greeting {
    /// #     #[flow]
    /// #     async fn run(&self, cx: &FlowContext, name: String) -> Result<String, Unwind<Refused>> {
    /// #         let words = self.words(cx, &name).await?;
    /// #         Ok(words)
    /// #     }
    /// #     #[step(no_compensation = "words do no harm")]
    /// #     async fn words(&self, cx: &StepContext, name: &str) -> Result<String, Failure<Refused>> {
    /// #         let _ = cx.key();
    /// #         Ok(format!("hello {name}"))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), saga_runtime::Error> {
    /// # let runtime = Runtime::builder().store(Memory::default()).register(Greeting).start().await?;
    /// # let saga = runtime.start::<Greeting>("1", "Ada".into()).await?;
    /// let mut watch = saga.watch(0);
    /// while let Some(entry) = watch.next().await {
    ///     println!("{}", entry?);
    /// }
    /// let position = watch.position(); // of the last entry: `saga.watch(position)` goes on from there
    /// # assert_eq!(position, saga.status().await?.rows);
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, after: u64) -> Watch<S> {
        let news = News::of(&self.engine, self.no, SELDOM);
        let (reader, entries) = (None, VecDeque::new());
        Watch { handle: self.clone(), position: after, reader, entries, news, over: false }
    }
}

/// What [`Handle::watch`] returns.
#[must_use = "a watch reads nothing until it is asked for what is next"]
pub struct Watch<S> {
    handle: Handle<S>,
    /// The row of the last entry that was handed out.
    position: u64,
    /// What the rows that were read come to.
    reader: Option<Reader>,
    /// Read and not handed out yet.
    entries: VecDeque<Entry>,
    news: News,
    over: bool,
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("handle", &self.handle).field("position", &self.position).finish_non_exhaustive()
    }
}

impl<S: Saga> Watch<S> {
    /// The row of the last entry that was handed out, or where the watch began: from there a new one goes on.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next entry; nothing once the instance has ended and all has been told.
    ///
    /// What happens to an ended instance later (a debt that is settled, a completed child that is undone with its parent) is
    /// told by a new watch from the same position.
    ///
    /// # Errors
    /// The store cannot be read now: the next call tries again from the same position. The runtime has stopped
    /// ([`Error::is_stopped`]), or only the instance's tombstone is left ([`Error::is_buried`]): after these there is nothing.
    ///
    /// # Cancel safety
    /// If the future is dropped, no entry is lost: the next call hands out the one that this one would have.
    pub async fn next(&mut self) -> Option<Result<Entry, Error>> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                self.position = entry.row;
                return Some(Ok(entry));
            }
            if self.over {
                return None;
            }
            match self.fill().await {
                Ok(true) => self.news.found(),
                Ok(false) => {
                    if let Err(error) = self.news.come(&self.handle.engine).await {
                        self.over = true;
                        return Some(Err(error));
                    }
                }
                Err(error) => {
                    self.over |= error.is_stopped() || error.is_buried() || error.is_unknown_instance();
                    return Some(Err(error));
                }
            }
        }
    }

    /// The same as a stream, for whoever has combinators for those.
    ///
    /// ```no_run
    /// # use saga_runtime::{Handle, Saga};
    /// # async fn show<S: Saga>(saga: Handle<S>) {
    /// use futures_util::StreamExt as _;
    ///
    /// let entries = saga.watch(0).into_stream();
    /// entries.take(10).for_each(async |entry| println!("{entry:?}")).await;
    /// # }
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = Result<Entry, Error>> + Send + use<S> {
        unfold(self, async |mut watch| watch.next().await.map(|entry| (entry, watch)))
    }

    /// Reads what is new; whether there was something, or the end.
    async fn fill(&mut self) -> Result<bool, Error> {
        self.news.looking();
        if self.reader.is_none() {
            self.reader = Some(self.begin().await?);
        }
        if self.page().await? {
            return Ok(true);
        }
        let instance = self.handle.instance().await?;
        if instance.buried {
            return Err(Error::buried(&self.handle.id));
        }
        if !instance.status.is_end() {
            return Ok(false);
        }
        // What was written between the two looks; the end is in the same write as its row.
        if !self.page().await? {
            self.over = true;
        }
        Ok(true)
    }

    /// A reader that stands where the watch begins.
    async fn begin(&self) -> Result<Reader, Error> {
        let engine = &self.handle.engine;
        let failed = |error| Error::of_store(engine, error);
        let mut reader = Reader::default();
        let mut next = snapshot_at(&*engine.store, self.handle.no, self.position).await.map_err(failed)?;
        while next <= self.position {
            let rows = engine.store.journal(self.handle.no, next, PAGE).await.map_err(failed)?;
            let Some(last) = rows.last() else { break };
            next = last.seq + 1;
            for row in rows.iter().take_while(|row| row.seq <= self.position) {
                reader.entry(row, read(row));
            }
        }
        Ok(reader)
    }

    /// Reads a page of rows; whether there was one.
    async fn page(&mut self) -> Result<bool, Error> {
        let Handle { engine, no, .. } = &self.handle;
        let failed = |error| Error::of_store(engine, error);
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let rows = engine.store.journal(*no, self.position + 1, PAGE).await.map_err(failed)?;
        let events: Vec<(Row, _)> =
            rows.into_iter().map(|row| (read(&row), row)).map(|(event, row)| (row, event)).collect();
        // Undos of calls from before the watch began are told by the name of the call, too.
        let unknown: Vec<u64> =
            events.iter().filter_map(|(_, event)| reader.unknown_call(event.as_ref().ok()?)).collect();
        for row in engine.store.rows(*no, &unknown).await.map_err(failed)? {
            if let Ok(event) = read(&row) {
                reader.knows(row.seq, &event);
            }
        }
        self.entries.extend(events.into_iter().map(|(row, event)| reader.entry(&row, event)));
        Ok(!self.entries.is_empty())
    }
}
