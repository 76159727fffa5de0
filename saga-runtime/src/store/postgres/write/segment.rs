//! A part of a batch within which order does not matter, so that it can be written as sets.

use super::{Done, own::Started};
use crate::store::{
    Append, Delivery, InstanceNo, MessageNo, Request, RequestNo, Row, Start, Status, StoreError, Touch, Write, Written,
    postgres::{error::Fault, news::Word},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

/// Writes that are written together: first what they consume, then labels, touches, starts and rows, then what they send and ask of
/// others.
#[derive(Debug, Default)]
pub(super) struct Segment<'a> {
    /// Where in the batch they are.
    writes: Range<usize>,
    /// The rows of instances that are there, and of each such instance the number of the first.
    pub(super) rows: Vec<(InstanceNo, &'a Row)>,
    pub(super) firsts: Vec<(i64, i64)>,
    pub(super) touches: BTreeMap<InstanceNo, &'a Touch>,
    /// Each with the write that is answered with what became of it.
    pub(super) starts: Vec<(&'a Start, Option<usize>)>,
    pub(super) consumed: Vec<(RequestNo, InstanceNo)>,
    pub(super) received: Vec<(MessageNo, InstanceNo)>,
    pub(super) labels: BTreeMap<(InstanceNo, &'a str), Option<&'a str>>,
    pub(super) sends: Vec<&'a Delivery>,
    pub(super) requests: Vec<&'a Request>,
    identities: HashSet<(&'a str, &'a str)>,
    /// The last row of each instance.
    last: HashMap<InstanceNo, u64>,
    sent_to: HashSet<InstanceNo>,
}

impl<'a> Segment<'a> {
    /// Cuts a batch into as few segments as can be.
    ///
    /// # Errors
    /// Some write cannot be written whatever is there.
    pub(super) fn cut(writes: &'a [Write]) -> Result<Vec<Self>, Fault> {
        let mut segments = vec![Self::default()];
        for (index, write) in writes.iter().enumerate() {
            if !segments.last().is_some_and(|segment| segment.admits(write)) {
                segments.push(Self { writes: index..index, ..Self::default() });
            }
            if let Some(segment) = segments.last_mut() {
                segment.add(index, write)?;
            }
        }
        Ok(segments)
    }

    pub(super) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it does not matter for this write that it is written together with those before it.
    fn admits(&self, write: &Write) -> bool {
        match write {
            // The second start of one identity finds the first.
            Write::Start(start) => !self.identities.contains(&(&*start.saga, &*start.id)),
            Write::Append(append) => {
                let (no, touches) = (append.instance, append.touch.is_some());
                // What a touch to waiting finds is what is left after those consumptions that came before it.
                let after_a_touch = self.touches.contains_key(&no) && (touches || !append.received.is_empty());
                // What was sent before an end has arrived; what was asked is known by its identity only.
                let after_a_message = touches && (self.sent_to.contains(&no) || !self.requests.is_empty());
                !after_a_touch && !after_a_message
            }
        }
    }

    fn add(&mut self, index: usize, write: &'a Write) -> Result<(), Fault> {
        self.writes.end = index + 1;
        match write {
            Write::Start(start) => self.add_start(start, Some(index)),
            Write::Append(append) => self.add_append(append),
        }
    }

    fn add_start(&mut self, start: &'a Start, answers: Option<usize>) -> Result<(), Fault> {
        // One of an append that finds its identity taken is left alone.
        if self.identities.insert((&start.saga, &start.id)) {
            follow(0, &start.rows)?;
            self.starts.push((start, answers));
        }
        Ok(())
    }

    fn add_append(&mut self, append: &'a Append) -> Result<(), Fault> {
        let no = append.instance;
        match (append.rows.first(), self.last.get(&no)) {
            (Some(first), last) => {
                let before = if let Some(last) = last {
                    *last
                } else {
                    self.firsts.push((no.0, i64::try_from(first.seq).map_err(|_| beyond(first.seq))?));
                    first.seq.saturating_sub(1)
                };
                self.last.insert(no, follow(before, &append.rows)?);
            }
            // It is only looked whether the instance is there.
            (None, None) if append.touch.is_none() => self.firsts.push((no.0, 1)),
            (None, _) => {}
        }
        self.rows.extend(append.rows.iter().map(|row| (no, row)));
        self.consumed.extend(append.consumed.iter().map(|request| (*request, no)));
        self.received.extend(append.received.iter().map(|message| (*message, no)));
        for (key, value) in &append.labels {
            self.labels.insert((no, key), value.as_deref());
        }
        self.touches.extend(append.touch.iter().map(|touch| (no, touch)));
        for start in &append.starts {
            self.add_start(start, None)?;
        }
        self.sent_to.extend(append.sends.iter().map(|delivery| delivery.to));
        self.sends.extend(&append.sends);
        self.requests.extend(&append.requests);
        Ok(())
    }

    /// Whether the one statement that writes instances and rows is all that it needs.
    pub(super) fn is_one_statement(&self) -> bool {
        self.consumed.is_empty()
            && self.received.is_empty()
            && self.labels.is_empty()
            && self.sends.is_empty()
            && self.requests.is_empty()
            && !self.waits()
    }

    /// Whether somebody begins to wait for messages.
    pub(super) fn waits(&self) -> bool {
        self.touches.values().any(|touch| touch.status == Status::Waiting)
    }

    /// Whether it says anything of this instance's own row.
    pub(super) fn changes(&self, no: InstanceNo) -> bool {
        let labelled = || self.labels.range((no, "")..).next().is_some_and(|((of, _), _)| *of == no);
        self.touches.contains_key(&no) || self.sent_to.contains(&no) || labelled()
    }

    /// Answers its writes, says what others are to be told, and hands over which starts found their identity taken.
    pub(super) fn answer(&self, writes: &[Write], started: &Started, done: &mut Done) -> Vec<usize> {
        let (answers, words) = done;
        let place = answers.len();
        answers.extend(writes[self.writes.clone()].iter().map(|_| Written::Appended));
        let mut taken = Vec::new();
        for ((start, index), no) in self.starts.iter().zip(&started.numbers) {
            match (no, index) {
                (Some(no), Some(index)) => answers[place + index - self.writes.start] = Written::Started(*no),
                (None, Some(index)) => taken.push(*index),
                (_, None) => {}
            }
            if no.is_some() && !start.owned {
                words.push(Word::Work);
            }
        }
        if started.found_messages {
            words.push(Word::Work);
        }
        for (no, touch) in &self.touches {
            match touch.status {
                status if status.is_end() || status == Status::Parked => words.push(Word::Settled(*no)),
                Status::Ready | Status::WaitsForBuild if !touch.owned => words.push(Word::Work),
                _ => {}
            }
        }
        taken
    }
}

/// The last row's number, if these rows follow the one before without a gap.
fn follow(mut last: u64, rows: &[Row]) -> Result<u64, Fault> {
    for row in rows {
        if row.seq != last + 1 {
            let reason = format!("row {} does not follow row {last}", row.seq).into();
            return Err(StoreError::Write { index: 0, reason }.into());
        }
        last = row.seq;
    }
    i64::try_from(last).map_err(|_| beyond(last)).map(|_| last)
}

fn beyond(seq: u64) -> Fault {
    StoreError::Write { index: 0, reason: format!("row {seq} is beyond what Postgres can count").into() }.into()
}
