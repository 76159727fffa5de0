//! `for` over everything there is, owned and borrowed; collections that are empty and get their type later.

#![expect(clippy::explicit_iter_loop, reason = "that is what is odd here")]

use super::{No, Order, act, flow, odd, order};
use saga_runtime::prelude::*;
use saga_tests::memory::World;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};

odd! {
    OverBorrowedCollections: OverBorrowedCollections, on vec![], vec!["b".into(), "a".into()];
    OverOwnedCollections: OverOwnedCollections, on vec![], vec!["b".into(), "a".into()];
    OverMutablePlaces: OverMutablePlaces, on vec![1, 2], vec![];
    OverRanges: OverRanges, on 0, 2;
    OverRangesInVariables: OverRangesInVariables, on (1, 3), (3, 1);
    OverAdapters: OverAdapters, on vec![1, 2, 3, 4, 5];
    OverOptionsAndResults: OverOptionsAndResults, on Some("x".into()), None;
    OverArraysAndTuples: OverArraysAndTuples, on [3, 1];
    OverNestedPlaces: OverNestedPlaces, on vec![order(1, &["a", "b"]), order(2, &[]), order(3, &["c"])];
    OverChars: OverChars, on "añ!".into();
    OverAMethodsAnswer: OverAMethodsAnswer, on order(1, &["a", "b"]);
    EmptyWhoseTypeComesLater: EmptyWhoseTypeComesLater, on 0, 2;
    ChangedWhileItIsNotIterated: ChangedWhileItIsNotIterated, on vec![3, 1, 2];
    SlicesOfWhatIsThere: SlicesOfWhatIsThere, on vec!["a".into(), "b".into(), "c".into()];
    OverAConstant: OverAConstant, on 1;
    OverWhatAStepGives: OverWhatAStepGives, on 3;
}

flow! { OverBorrowedCollections [a b c]
    (self, cx, words: Vec<String>) -> u32 {
        let mut sum = 0;
        let deque: VecDeque<_> = words.iter().cloned().collect();
        for word in &deque {
            sum += self.a(cx, word).await?;
        }
        let set: BTreeSet<&String> = words.iter().collect();
        let set: BTreeSet<String> = set.into_iter().cloned().collect();
        for word in &set {
            sum += self.b(cx, word).await?;
        }
        let map: BTreeMap<u32, Vec<String>> = [(7, words.clone()), (3, words)].into();
        for (n, words) in &map {
            sum += self.c(cx, &format!("{n}{words:?}")).await?;
        }
        for n in map.keys() {
            #[state("keys")]
            self.a(cx, &n.to_string()).await?;
        }
        for words in map.values().rev() {
            #[state("values")]
            self.b(cx, &words.join("")).await?;
        }
        Ok(sum)
    }
}

flow! { OverOwnedCollections [a b c]
    (self, cx, words: Vec<String>) -> u32 {
        let mut sum = 0;
        let hash: HashSet<String> = words.iter().take(1).cloned().collect();
        for word in hash {
            sum += self.a(cx, &word).await?;
        }
        let heap: BinaryHeap<_> = words.iter().cloned().collect();
        for word in heap.into_sorted_vec() {
            sum += self.b(cx, &word).await?;
        }
        for word in words.iter().cloned().collect::<LinkedList<_>>() {
            #[state("list")]
            self.a(cx, &word).await?;
        }
        for (word, n) in words.iter().take(1).map(|word| (word.clone(), 1)).collect::<HashMap<_, u32>>() {
            sum += self.c(cx, &word).await? + n;
        }
        for word in words.into_boxed_slice() {
            #[state("boxed")]
            self.b(cx, &word).await?;
        }
        Ok(sum)
    }
}

flow! { OverMutablePlaces [a b]
    (self, cx, mut numbers: Vec<u32>) -> (Vec<u32>, [u32; 2]) {
        let mut pair = [1, 2];
        for n in &mut numbers {
            *n += self.a(cx, &n.to_string()).await?;
        }
        for n in pair.iter_mut() {
            *n *= 10;
            self.b(cx, &n.to_string()).await?;
            *n += 1;
        }
        numbers.iter_mut().rev().take(1).for_each(|n| *n += 1);
        Ok((numbers, pair))
    }
}

flow! { OverRanges [a b c]
    (self, cx, n: u8) -> Vec<i64> {
        let mut all = vec![];
        for i in (0..=n).rev() {
            self.a(cx, &i.to_string()).await?;
            all.push(i.into());
        }
        for i in -1..i64::from(n) {
            self.b(cx, &i.to_string()).await?;
            all.push(i);
        }
        for c in 'a'..='b' {
            self.c(cx, &c.to_string()).await?;
        }
        for i in (1..9).step_by(3) {
            #[state("steps")]
            self.a(cx, &i.to_string()).await?;
            all.push(i);
        }
        for _ in 0..n {
            #[state("nothing")]
            self.b(cx, "_").await?;
        }
        Ok(all)
    }
}

flow! { OverRangesInVariables [a b]
    (self, cx, ends: (usize, usize)) -> usize {
        let range = ends.0..ends.1;
        let length = range.len();
        for i in range {
            self.a(cx, &i.to_string()).await?;
        }
        let (from, to) = ends;
        let mut last = 0;
        for i in from..=to {
            last = i;
            self.b(cx, &last.to_string()).await?;
        }
        Ok(length + last)
    }
}

flow! { OverAdapters [a b c]
    (self, cx, numbers: Vec<u32>) -> u32 {
        let mut sum = 0;
        for (i, n) in numbers.iter().copied().enumerate().skip(1).filter(|(_, n)| n % 2 == 1) {
            sum += self.a(cx, &format!("{i}{n}")).await?;
        }
        for pair in numbers.chunks(2) {
            self.b(cx, &format!("{pair:?}")).await?;
        }
        for window in numbers.windows(4) {
            let [first, .., last] = window else { continue };
            sum += self.c(cx, &(first + last).to_string()).await?;
        }
        for (x, y) in numbers.iter().map(|n| n + 1).zip(numbers.iter().copied().rev()).take(2) {
            #[state("zipped")]
            self.a(cx, &(x * y).to_string()).await?;
        }
        for n in std::iter::repeat_n(3, 2).chain([sum]) {
            #[state("chained")]
            self.b(cx, &n.to_string()).await?;
        }
        Ok(sum)
    }
}

flow! { OverOptionsAndResults [a b c]
    (self, cx, word: Option<String>) -> usize {
        for word in word.iter().map(|word| word.to_owned() + "!") {
            self.a(cx, &word).await?;
        }
        for length in word.as_ref().map(String::len).into_iter().chain(Some(7)) {
            self.b(cx, &length.to_string()).await?;
        }
        let length = word.iter().map(String::len).sum();
        for word in word.into_iter().chain([String::from("last")]) {
            self.c(cx, &word).await?;
        }
        Ok(length)
    }
}

flow! { OverArraysAndTuples [a b c]
    (self, cx, array: [u32; 2]) -> u32 {
        let mut sum = 0;
        for n in array {
            sum += self.a(cx, &n.to_string()).await?;
        }
        for (name, n) in [(1_u32, 1), (2, 2)] {
            sum += self.b(cx, &name.to_string()).await? * n;
        }
        let pair = [sum, array[0]];
        for &n in &pair {
            sum += self.c(cx, &n.to_string()).await?;
        }
        let rows = [[1, 2], [3, 4]];
        for row in &rows {
            for n in row {
                #[state("cell")]
                self.a(cx, &n.to_string()).await?;
            }
        }
        Ok(sum)
    }
}

flow! { OverNestedPlaces [a b]
    (self, cx, orders: Vec<Order>) -> Vec<String> {
        let mut all = vec![];
        for Order { id, lines, note } in &orders {
            for (at, line) in lines.iter().enumerate() {
                all.push(format!("{id}.{at}{line}{}", note.is_some()));
                self.a(cx, line).await?;
            }
            for line in &lines[0..] {
                self.b(cx, line).await?;
                all.push(line.clone());
            }
        }
        for Order { note, .. } in orders {
            if let Some(note) = note {
                #[state("note")]
                self.a(cx, &note).await?;
                all.push(note);
            }
        }
        Ok(all)
    }
}

flow! { OverChars [a b c]
    (self, cx, text: String) -> String {
        let mut out = String::new();
        for c in text.chars() {
            self.a(cx, &c.to_string()).await?;
            out.insert(0, c);
        }
        for byte in text.bytes().take(2) {
            self.b(cx, &byte.to_string()).await?;
        }
        for part in text.split('!').map(str::to_owned) {
            self.c(cx, &part).await?;
            out += &part;
        }
        Ok(out)
    }
}

/// A loop over what a helper of the same block gives.
struct OverAMethodsAnswer(World);

#[saga]
impl OverAMethodsAnswer {
    const PREFIXES: [&'static str; 2] = ["x", "yy"];

    /// The longest line, first.
    fn sorted(order: &Order) -> Vec<&String> {
        let mut lines: Vec<_> = order.lines.iter().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
        lines
    }

    #[flow]
    async fn run(&self, cx: &FlowContext, order: Order) -> Result<u32, Unwind<No>> {
        let mut sum = 0;
        for line in Self::sorted(&order).into_iter().map(|line| line.repeat(2)) {
            sum += self.act(cx, &line).await?;
        }
        for prefix in Self::PREFIXES.map(String::from) {
            #[state("prefix")]
            let n = self.act(cx, &prefix).await?;
            sum += n;
        }
        Ok(sum + self.bonus(sum))
    }

    fn bonus(&self, sum: u32) -> u32 {
        if sum > 2 { self.act_twice() } else { 0 }
    }

    const fn act_twice(&self) -> u32 {
        let Self(_) = self;
        2
    }

    #[step(no_compensation = "a test")]
    async fn act(&self, cx: &StepContext, what: &str) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "act", what).await
    }
}

flow! { EmptyWhoseTypeComesLater [a b]
    (self, cx, n: u32) -> (Vec<u32>, Option<String>, BTreeMap<String, Vec<u8>>) {
        let mut numbers = Vec::new();
        let mut text = None;
        let mut map = BTreeMap::default();
        let mut nested = vec![vec![]];
        self.a(cx, "a").await?;
        if n > 1 {
            numbers.push(self.b(cx, "b").await?);
            text = Some("x".into());
        } else {
            map.entry(n.to_string()).or_insert_with(Vec::new).push(1);
        }
        nested[0].push(n);
        numbers.extend(nested.into_iter().flatten());
        Ok((numbers, text, map))
    }
}

flow! { ChangedWhileItIsNotIterated [a b]
    (self, cx, mut numbers: Vec<u32>) -> Vec<u32> {
        for n in numbers.clone() {
            self.a(cx, &n.to_string()).await?;
            numbers.retain(|&m| m != n);
            numbers.push(n * 2);
        }
        while let [first, rest @ ..] = numbers.as_slice() && rest.len() > 1 {
            let n = *first;
            self.b(cx, &n.to_string()).await?;
            numbers.remove(0);
        }
        Ok(numbers)
    }
}

/// Slices, tuples and options of references as arguments.
struct SlicesOfWhatIsThere(World);

#[saga]
impl SlicesOfWhatIsThere {
    #[flow]
    async fn run(&self, cx: &FlowContext, words: Vec<String>) -> Result<u32, Unwind<No>> {
        let n = self.slice(cx, &words[1..], [1, 2], (3, "x".to_owned())).await?;
        #[state("empty")]
        let m = self.slice(cx, &[], [n, n], (n, words[0].clone())).await?;
        let k = self.pairs(cx, &[(n, m)], words.first().map(String::as_str), &[[n; 2]; 2]).await?;
        Ok(n + m + k)
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn slice(
        &self,
        _cx: &StepContext,
        words: &[String],
        two: [u32; 2],
        pair: (u32, String),
    ) -> Result<u32, Failure<No>> {
        act(&self.0, "slice", &format!("{words:?}{two:?}{pair:?}")).await
    }

    #[step(no_compensation = "a test", idempotent = "a test")]
    async fn pairs(
        &self,
        _cx: &StepContext,
        pairs: &[(u32, u32)],
        word: Option<&str>,
        four: &[[u32; 2]; 2],
    ) -> Result<u32, Failure<No>> {
        act(&self.0, "pairs", &format!("{pairs:?}{word:?}{four:?}")).await
    }
}

/// Numbers that never change.
const NUMBERS: &[u32] = &[1, 22];

/// Words that never change.
static WORDS: [&str; 2] = ["x", "yy"];

flow! { OverAConstant [a b]
    (self, cx, n: u32) -> u32 {
        let mut sum = n;
        for n in NUMBERS.iter().rev() {
            sum += self.a(cx, &n.to_string()).await?;
        }
        for (at, word) in WORDS.iter().enumerate() {
            sum += self.b(cx, &format!("{at}{word}")).await?;
        }
        Ok(sum)
    }
}

/// A loop over a step's answer.
struct OverWhatAStepGives(World);

#[saga]
impl OverWhatAStepGives {
    #[flow]
    async fn run(&self, cx: &FlowContext, n: u32) -> Result<Vec<u32>, Unwind<No>> {
        let mut all = vec![];
        for n in self.list(n).await? {
            #[state("inner_list")]
            let inner = self.list(n).await?;
            for m in inner {
                all.push(self.act(cx, m).await? + n);
            }
        }
        Ok(all)
    }

    #[step(read_only)]
    async fn list(&self, n: u32) -> Result<Vec<u32>, Transient> {
        Ok(std::future::ready((0..n).collect()).await)
    }

    #[step(no_compensation = "a test")]
    async fn act(&self, cx: &StepContext, n: u32) -> Result<u32, Failure<No>> {
        let _ = cx.key();
        act(&self.0, "act", &n.to_string()).await
    }
}
