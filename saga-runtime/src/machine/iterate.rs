//! What a `for` with a step inside goes on with after a crash.

use super::{
    across::LivesAcrossAStep,
    call::Unreadable,
    check::{ReadBack, Written},
    json::{Json, decode, encode},
    slot::halt,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq};
use std::{
    cell::RefCell,
    collections::{btree_map, btree_set, vec_deque},
    iter, ops, slice,
};

/// The item at this position of a place that is borrowed again.
///
/// Only where the order is stable: the position would mean another item after a crash otherwise.
pub fn nth<I>(source: I, at: usize) -> Option<I::Item>
where
    I: IntoIterator,
    I::IntoIter: StableOrder,
{
    source.into_iter().nth(at)
}

/// An iterator over a place that gives the same items in the same order whenever it is made again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order that is the same after a crash",
    label = "a step in this loop needs to know which item comes next",
    note = "a position is kept in slices, arrays, `Vec`, `VecDeque`, `BTreeMap` and `BTreeSet`",
    note = "help: iterate over owned items, which are saved in the order they come in: `for item in items.clone()`"
)]
pub trait StableOrder: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! stable {
    ($($(#[$doc:meta])? [$($generics:tt)*] $ty:ty;)*) => {
        $(
            impl<$($generics)*> sealed::Sealed for $ty {}
            impl<$($generics)*> StableOrder for $ty {}
        )*
    };
}

stable! {
    ['a, T] slice::Iter<'a, T>;
    ['a, T] slice::IterMut<'a, T>;
    ['a, T] slice::Chunks<'a, T>;
    ['a, T] slice::Windows<'a, T>;
    ['a, T] vec_deque::Iter<'a, T>;
    ['a, T] vec_deque::IterMut<'a, T>;
    ['a, K, V] btree_map::Iter<'a, K, V>;
    ['a, K, V] btree_map::IterMut<'a, K, V>;
    ['a, K, V] btree_map::Keys<'a, K, V>;
    ['a, K, V] btree_map::Values<'a, K, V>;
    ['a, T] btree_set::Iter<'a, T>;
    [I: StableOrder] iter::Enumerate<I>;
    [I: StableOrder] iter::Rev<I>;
    [I: StableOrder] iter::Skip<I>;
    [I: StableOrder] iter::Take<I>;
    [I: StableOrder] iter::StepBy<I>;
}

/// Ends the machine: the place has fewer items than it had before the step.
pub fn gone() -> ! {
    halt(Unreadable { what: "item", name: "of the loop".into(), reason: "it is not where it was".into() })
}

/// What is left of a range.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Range<T> {
    rest: Option<(T, T)>,
    closed: bool,
}

impl<T> Range<T> {
    /// `start..end`
    pub fn half_open(start: T, end: T) -> Self {
        Self { rest: Some((start, end)), closed: false }
    }

    /// `start..=end`
    pub fn closed(start: T, end: T) -> Self {
        Self { rest: Some((start, end)), closed: true }
    }

    /// The next one.
    #[expect(clippy::should_implement_trait, reason = "a machine asks for one item at a time, and never iterates")]
    pub fn next(&mut self) -> Option<T>
    where
        ops::Range<T>: Iterator<Item = T>,
        ops::RangeInclusive<T>: Iterator<Item = T>,
        T: Clone + PartialOrd,
    {
        let (start, end) = self.rest.take()?;
        if self.closed {
            let mut range = start..=end;
            let next = range.next();
            self.rest = (!range.is_empty()).then(|| range.into_inner());
            return next;
        }
        let mut range = start..end;
        let next = range.next();
        self.rest = Some((range.start, range.end));
        next
    }
}

/// The items that a `for` goes through, collected once and saved once; with a position beside it.
///
/// Each item is written when it is collected, so that what is saved stays the same while items are taken out.
#[derive(Debug)]
pub struct Items<T> {
    written: Result<Vec<Json>, String>,
    /// What was collected in this process and not taken out yet.
    values: RefCell<Vec<Option<T>>>,
}

/// What a `for` goes through, to be collected: [`Collect::collect`] for references, which cannot be saved, and
/// [`Owned::collect`] for all else. Which of the two a call means is found out by looking at the type.
#[derive(Debug)]
pub struct Collect<I>(pub I);

impl<'v, T: ?Sized + 'v, I: IntoIterator<Item = &'v T>> Collect<I> {
    /// A reference does not outlive the process.
    pub fn collect(self) -> Items<&'v T>
    where
        &'v T: LivesAcrossAStep,
    {
        gone()
    }
}

/// Collects what can be saved.
pub trait Owned<I: IntoIterator> {
    /// All items.
    fn collect(self) -> Items<I::Item>
    where
        I::Item: Written + ReadBack + Send;
}

impl<I: IntoIterator> Owned<I> for Collect<I> {
    fn collect(self) -> Items<I::Item>
    where
        I::Item: Written + ReadBack + Send,
    {
        let values: Vec<I::Item> = self.0.into_iter().collect();
        let written = values.iter().map(encode).collect::<Result<_, _>>().map_err(|error| error.0);
        Items { written, values: RefCell::new(values.into_iter().map(Some).collect()) }
    }
}

/// A turn of a `for` over collected items: which one is next. References have been reported where they were collected.
#[derive(Debug)]
pub struct Turn<'i, T>(pub &'i Items<T>, pub usize);

impl<'v, T: ?Sized> Turn<'_, &'v T> {
    /// Never called.
    pub fn item(self) -> Option<&'v T> {
        None
    }
}

/// The next item of those that can be saved.
pub trait Next<T> {
    /// The item at this position, which is asked for once in each process.
    fn item(self) -> Option<T>
    where
        T: ReadBack;
}

impl<T> Next<T> for Turn<'_, T> {
    fn item(self) -> Option<T>
    where
        T: ReadBack,
    {
        let Self(items, at) = self;
        if let Some(value) = items.values.borrow_mut().get_mut(at).and_then(Option::take) {
            return Some(value);
        }
        let json = items.written.as_ref().ok()?.get(at)?;
        Some(decode(json).unwrap_or_else(|error| {
            halt(Unreadable { what: "saved item", name: "of the loop".into(), reason: error.0 })
        }))
    }
}

impl<T> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = self.written.as_ref().map_err(serde::ser::Error::custom)?;
        let mut items = serializer.serialize_seq(Some(written.len()))?;
        for item in written {
            items.serialize_element(item)?;
        }
        items.end()
    }
}

impl<'de, T> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { written: Ok(Vec::deserialize(deserializer)?), values: RefCell::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest<T>(mut range: Range<T>) -> Vec<T>
    where
        ops::Range<T>: Iterator<Item = T>,
        ops::RangeInclusive<T>: Iterator<Item = T>,
        T: Clone + PartialOrd + Send + Serialize + serde::de::DeserializeOwned,
    {
        let mut all = Vec::new();
        loop {
            // What a crash would bring back at each turn.
            range = decode(&encode(&range).expect("it can be written")).expect("it can be read");
            match range.next() {
                Some(item) => all.push(item),
                None => return all,
            }
        }
    }

    #[test]
    fn a_range_goes_on_where_it_was_saved() {
        assert_eq!(rest(Range::half_open(1, 4)), [1, 2, 3]);
        assert_eq!(rest(Range::closed(0_u8, 0)), [0]);
        assert_eq!(rest(Range::closed(253_u8, u8::MAX)), [253, 254, 255]);
        assert_eq!(rest(Range::half_open(3, 1)), [0; 0]);
        assert_eq!(rest(Range::closed(3, 1)), [0; 0]);
    }

    #[test]
    fn collected_items_are_saved_whole_and_read_where_they_are_asked_for() {
        let items = Collect(["a".to_owned(), "b".to_owned()]).collect();
        assert_eq!(Turn(&items, 0).item().as_deref(), Some("a"));
        let json = encode(&items).expect("they can be written");
        assert_eq!(json.get(), r#"["a","b"]"#);
        let back: Items<String> = decode(&json).expect("they can be read");
        assert_eq!((Turn(&back, 1).item().as_deref(), Turn(&back, 2).item()), (Some("b"), None));
    }
}
