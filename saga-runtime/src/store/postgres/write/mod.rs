//! The group commit.
//!
//! A batch is cut into segments, each of which is written by a few statements, however many writes it has, because within it order
//! does not matter. Nearly every batch is one segment, and most of them are one statement, which is a transaction of its own: one
//! round trip. A batch whose data are to blame is tried again one write at a time, which names the culprit.

mod others;
mod own;

#[cfg(test)]
pub(super) use {
    others::{CONSUME, DELIVER, FORWARD, IDENTIFY, LOCK, RECEIVE, UNLABEL},
    own::{ALL, ROWS},
};

use super::{
    Inner,
    attempt::{again, reading},
    error::Fault,
    news::Word,
};
use crate::store::{Append, Epoch, InstanceNo, Start, Status, StoreError, Write, Written, outside, segment::Segment};
use own::Started;
use sqlx::{PgConnection, query_scalar};

/// What a batch was answered, and what others are told once it is written.
pub(super) type Done = (Vec<Written>, Vec<Word>);

impl Inner {
    pub(super) async fn write_batch(&self, epoch: Epoch, writes: &[Write]) -> Result<Vec<Written>, Fault> {
        // From within a step's transaction it might wait for that one, which waits for it.
        outside().map_err(|inside| StoreError::Unusable(inside.into()))?;
        let (written, words) = loop {
            self.settle().await?;
            let number = self.doubt.writer();
            match again!(self.try_batch(epoch, writes).await) {
                // The number of the writer has changed meanwhile, for the sake of somebody else's doubt.
                Err(Fault::Store(StoreError::Fenced)) if self.doubt.has_changed(number).await => {}
                done => break done?,
            }
        };
        for word in words {
            self.tell(word);
        }
        Ok(written)
    }

    async fn try_batch(&self, epoch: Epoch, writes: &[Write]) -> Result<Done, Fault> {
        let segments = Segment::cut(writes);
        let mut tried = match segments.as_deref() {
            Ok([only]) if only.is_one_statement() => self.try_statement(epoch, only, writes).await,
            Ok(segments) => self.try_segments(epoch, segments, writes).await,
            // Somebody has to say which.
            Err(_) => self.try_one_by_one(epoch, writes).await,
        };
        if tried.as_ref().is_err_and(Fault::is_of_the_data) && segments.is_ok() {
            tried = self.try_one_by_one(epoch, writes).await;
        }
        tried
    }

    /// Writes the whole batch by one statement, which is a transaction of its own.
    async fn try_statement(&self, epoch: Epoch, segment: &Segment<'_>, writes: &[Write]) -> Result<Done, Fault> {
        let mut conn = self.writer.take().await?;
        let asked = self.doubt.ask();
        let written = self.write_own(&mut conn, (epoch, Some(self.doubt.writer())), segment).await;
        let started = asked.answered(conn.end(written).map_err(Fault::of_commit))?;
        let mut done = (Vec::with_capacity(writes.len()), Vec::new());
        let others = answer(segment, &started, &mut done);
        for index in others {
            // It was there when the batch was written; a tombstone may have been forgotten since.
            let Write::Start(start) = &writes[index] else { continue };
            done.0[index] = match self.read_identity(&start.saga, &start.id).await {
                Ok(Some(instance)) => Written::Exists(Box::new(instance)),
                // The batch is written, and has to be read back.
                Ok(None) => return Err(StoreError::InDoubt(gone(start)).into()),
                Err(fault) => return Err(StoreError::InDoubt(fault.reason().into()).into()),
            };
        }
        Ok(done)
    }

    async fn try_segments(&self, epoch: Epoch, segments: &[Segment<'_>], writes: &[Write]) -> Result<Done, Fault> {
        let mut transaction = self.begin_as(&self.writer, epoch).await?;
        let asked = self.doubt.ask();
        let written = self.write_segments(&mut transaction, epoch, segments, writes).await;
        asked.answered(transaction.end(written).await)
    }

    async fn try_one_by_one(&self, epoch: Epoch, writes: &[Write]) -> Result<Done, Fault> {
        let mut transaction = self.begin_as(&self.writer, epoch).await?;
        let asked = self.doubt.ask();
        let written = self.write_one_by_one(&mut transaction, epoch, writes).await;
        asked.answered(transaction.end(written).await)
    }

    /// Writes each write on its own, and names the first that cannot be written.
    pub(super) async fn write_one_by_one(
        &self,
        conn: &mut PgConnection,
        epoch: Epoch,
        writes: &[Write],
    ) -> Result<Done, Fault> {
        let mut all = (Vec::with_capacity(writes.len()), Vec::new());
        for (index, write) in writes.iter().enumerate() {
            let one = std::slice::from_ref(write);
            let written = async {
                let segments = Segment::cut(one)?;
                self.write_segments(conn, epoch, &segments, one).await
            };
            match written.await {
                Ok((mut written, mut words)) => {
                    all.0.append(&mut written);
                    all.1.append(&mut words);
                }
                Err(fault) if fault.is_a_misfit() => {
                    // The transaction is over; what is there is read beside it.
                    let reason = self.misfit(write).await.ok().flatten().unwrap_or_else(|| fault.reason().into());
                    return Err(StoreError::Write { index, reason }.into());
                }
                Err(fault) => return Err(fault.of_write(index)),
            }
        }
        Ok(all)
    }

    /// Writes segments in order, within a transaction of the worker's.
    async fn write_segments(
        &self,
        conn: &mut PgConnection,
        epoch: Epoch,
        segments: &[Segment<'_>],
        writes: &[Write],
    ) -> Result<Done, Fault> {
        let mut done = (Vec::with_capacity(writes.len()), Vec::new());
        for segment in segments {
            self.lock_rows(conn, segment).await?;
            self.consume(conn, segment).await?;
            self.set_labels(conn, segment).await?;
            let started = self.write_own(conn, (epoch, None), segment).await?;
            let others = answer(segment, &started, &mut done);
            for index in others {
                let Write::Start(start) = &writes[index] else { continue };
                let found = self.find_in(conn, &start.saga, &start.id).await?;
                let found = found.ok_or_else(|| StoreError::Unavailable(gone(start)))?;
                if segment.changes(found.no) && segment.len() > 1 {
                    // It shows what comes later in the batch, too.
                    return Err(StoreError::Write { index, reason: "it is to be seen as it was before".into() }.into());
                }
                done.0[index] = Written::Exists(Box::new(found));
            }
            self.deliver(conn, segment, &mut done.1).await?;
            self.forward(conn, segment, &mut done.1).await?;
        }
        Ok(done)
    }

    /// Why a write does not fit what is there, if that can be said.
    async fn misfit(&self, write: &Write) -> Result<Option<Box<str>>, Fault> {
        let Write::Append(Append { instance: InstanceNo(no), rows, .. }) = write else { return Ok(None) };
        let sql = "SELECT EXISTS (SELECT FROM saga.instance WHERE no = $1 AND NOT buried)";
        let there = reading!(self, conn => {
            Ok(query_scalar(self.names.sql(sql)).bind(no).fetch_one(&mut *conn).await?)
        });
        if !there? {
            return Ok(Some(format!("there is no instance {no}").into()));
        }
        let last = self.read_length(InstanceNo(*no)).await?;
        let first = rows.first().filter(|row| row.seq != last + 1);
        Ok(first.map(|first| format!("row {} does not follow row {last}", first.seq).into()))
    }
}

fn gone(start: &Start) -> Box<str> {
    format!("{} {} was there a moment ago, and is not now", start.saga, start.id).into()
}

/// Answers a segment's writes, says what others are to be told, and hands over which starts found their identity taken.
fn answer(segment: &Segment<'_>, started: &Started, (answers, words): &mut Done) -> Vec<usize> {
    let starts = segment.starts.iter().zip(&started.numbers);
    let left = starts.filter(|((start, _), no)| no.is_some() && !start.owned).count();
    words.extend((0..left + usize::from(started.found_messages)).map(|_| Word::Work));
    for (no, touch) in &segment.touches {
        match touch.status {
            status if status.is_end() || status == Status::Parked => words.push(Word::Settled(*no)),
            Status::Ready | Status::WaitsForBuild if !touch.owned => words.push(Word::Work),
            _ => {}
        }
    }
    segment.answer(&started.numbers, answers)
}
