//! A part of a batch within which order does not matter, so that it can be written as sets.

use super::{
    Append, Delivery, InstanceNo, MessageNo, Micros, Request, RequestNo, Row, Start, Status, StoreError, Touch, Write,
    Written,
    pack::{Pack, pack},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

/// Writes that are written together: first what they consume, then labels, touches, starts and rows, then what they send and ask of
/// others.
#[derive(Debug, Default)]
pub(in crate::store) struct Segment<'a> {
    /// Where in the batch they are.
    writes: Range<usize>,
    /// The rows of instances that are there, and of each such instance the number of the first.
    pub(in crate::store) rows: Vec<(InstanceNo, Pack)>,
    pub(in crate::store) firsts: Vec<(i64, i64)>,
    pub(in crate::store) touches: BTreeMap<InstanceNo, &'a Touch>,
    /// Each with the write that is answered with what became of it.
    pub(in crate::store) starts: Vec<(&'a Start, Option<usize>)>,
    pub(in crate::store) consumed: Vec<(RequestNo, InstanceNo)>,
    pub(in crate::store) received: Vec<(MessageNo, InstanceNo)>,
    pub(in crate::store) labels: BTreeMap<(InstanceNo, &'a str), Option<&'a str>>,
    pub(in crate::store) sends: Vec<&'a Delivery>,
    pub(in crate::store) requests: Vec<&'a Request>,
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
    pub(in crate::store) fn cut(writes: &'a [Write]) -> Result<Vec<Self>, StoreError> {
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

    pub(in crate::store) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it does not matter for this write that it is written together with those before it.
    fn admits(&self, write: &Write) -> bool {
        match write {
            // The second start of one identity finds the first.
            Write::Start(start) => !self.identities.contains(&(&*start.saga, &*start.id)) && !self.is_asked(start),
            Write::Append(append) => {
                let (no, touches) = (append.instance, append.touch.is_some());
                // What a touch to waiting finds is what is left after those consumptions that came before it.
                let after_a_touch = self.touches.contains_key(&no) && (touches || !append.received.is_empty());
                // What was sent before an end has arrived; what was asked is known by its identity only.
                let after_a_message = touches && (self.sent_to.contains(&no) || !self.requests.is_empty());
                !after_a_touch && !after_a_message && !append.starts.iter().any(|start| self.is_asked(start))
            }
        }
    }

    /// Whether something was asked of this one before it was there.
    fn is_asked(&self, start: &Start) -> bool {
        self.requests.iter().any(|request| request.saga == start.saga && request.id == start.id)
    }

    fn add(&mut self, index: usize, write: &'a Write) -> Result<(), StoreError> {
        self.writes.end = index + 1;
        match write {
            Write::Start(start) => {
                self.add_start(start, Some(index));
                Ok(())
            }
            Write::Append(append) => self.add_append(append),
        }
    }

    fn add_start(&mut self, start: &'a Start, answers: Option<usize>) {
        // One of an append that finds its identity taken is left alone.
        if self.identities.insert((&start.saga, &start.id)) {
            self.starts.push((start, answers));
        }
    }

    /// Whether the rows of a start follow one another. Of one whose identity is taken nobody asks.
    pub(in crate::store) fn sound(start: &Start) -> Result<(), StoreError> {
        follow(0, &start.rows).map(drop)
    }

    fn add_append(&mut self, append: &'a Append) -> Result<(), StoreError> {
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
        self.rows.extend(pack(&append.rows).map(|rows| (no, rows)));
        self.consumed.extend(append.consumed.iter().map(|request| (*request, no)));
        self.received.extend(append.received.iter().map(|message| (*message, no)));
        for (key, value) in &append.labels {
            self.labels.insert((no, key), value.as_deref());
        }
        self.touches.extend(append.touch.iter().map(|touch| (no, touch)));
        for start in &append.starts {
            self.add_start(start, None);
        }
        self.sent_to.extend(append.sends.iter().map(|delivery| delivery.to));
        self.sends.extend(&append.sends);
        self.requests.extend(&append.requests);
        Ok(())
    }

    /// Whether the one statement that writes instances and rows is all that it needs.
    pub(in crate::store) fn is_one_statement(&self) -> bool {
        self.consumed.is_empty()
            && self.received.is_empty()
            && self.labels.is_empty()
            && self.sends.is_empty()
            && self.requests.is_empty()
            && !self.waits()
    }

    /// Whether somebody begins to wait for messages.
    pub(in crate::store) fn waits(&self) -> bool {
        self.touches.values().any(|touch| touch.status == Status::Waiting)
    }

    /// Whether it says anything of this instance's own row.
    pub(in crate::store) fn changes(&self, no: InstanceNo) -> bool {
        let labelled = || self.labels.range((no, "")..).next().is_some_and(|((of, _), _)| *of == no);
        self.touches.contains_key(&no) || self.sent_to.contains(&no) || labelled()
    }

    /// Answers its writes, given the number of each start whose identity was free, and hands over which starts found theirs
    /// taken.
    pub(in crate::store) fn answer(&self, numbers: &[Option<InstanceNo>], answers: &mut Vec<Written>) -> Vec<usize> {
        let place = answers.len();
        answers.extend(self.writes.clone().map(|_| Written::Appended));
        let mut taken = Vec::new();
        for ((_, index), no) in self.starts.iter().zip(numbers) {
            match (no, index) {
                (Some(no), Some(index)) => answers[place + index - self.writes.start] = Written::Started(*no),
                (None, Some(index)) => taken.push(*index),
                (_, None) => {}
            }
        }
        taken
    }
}

impl Touch {
    /// When the instance wants to run, if no message is there that it waits for.
    pub(in crate::store) fn due_at(&self) -> Option<Micros> {
        match self.status {
            Status::Ready | Status::Sleeping | Status::WaitsForBuild => Some(self.wake_at.unwrap_or(self.at)),
            Status::Waiting => self.wake_at,
            Status::Parked | Status::Completed | Status::Compensated | Status::CompensatedWithDebt => None,
        }
    }
}

/// The last row's number, if these rows follow the one before without a gap.
fn follow(mut last: u64, rows: &[Row]) -> Result<u64, StoreError> {
    for row in rows {
        if row.seq != last + 1 {
            let reason = format!("row {} does not follow row {last}", row.seq).into();
            return Err(StoreError::Write { index: 0, reason });
        }
        last = row.seq;
    }
    i64::try_from(last).map_err(|_| beyond(last)).map(|_| last)
}

fn beyond(seq: u64) -> StoreError {
    StoreError::Write { index: 0, reason: format!("row {seq} is beyond what a database can count").into() }
}
