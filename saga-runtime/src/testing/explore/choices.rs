//! What can go one way or another in a history, and which history comes next.

use std::fmt;

/// One way in which it can go on.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) what: Box<str>,
    /// Whether it is a fault, of which a history has only so many.
    pub(super) fault: bool,
}

impl Way {
    pub(super) fn new(what: impl Into<Box<str>>) -> Self {
        Self { what: what.into(), fault: false }
    }

    pub(super) fn fault(what: impl Into<Box<str>>) -> Self {
        Self { what: what.into(), fault: true }
    }
}

/// A choice that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// At what.
    pub(super) at: Box<str>,
    pub(super) ways: Vec<Way>,
    pub(super) taken: usize,
    /// How many faults there could still be before it.
    left: usize,
}

impl Made {
    pub(super) fn way(&self) -> &Way {
        &self.ways[self.taken]
    }
}

/// The choices of one history after the other, depth first: each history repeats the last one up to a choice, and goes another way
/// there.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// What the history at hand is to repeat: at what, if that is known, and which way.
    prefix: Vec<(Option<Box<str>>, usize)>,
    /// Where it did not.
    strayed: Option<String>,
    made: Vec<Made>,
    faults: usize,
    left: usize,
    /// How many there were up to the last commit, or crash.
    committed: usize,
    /// How many there were when the commit under way began.
    mark: usize,
}

impl Choices {
    /// All histories with at most so many faults.
    pub(super) fn with_faults(faults: usize) -> Self {
        Self { faults, left: faults, ..Self::default() }
    }

    /// One history alone.
    pub(super) fn only(prefix: Vec<usize>) -> Self {
        let faults = prefix.len();
        let prefix = prefix.into_iter().map(|taken| (None, taken)).collect();
        Self { prefix, faults, left: faults, ..Self::default() }
    }

    /// The way that is taken here: the first one where no other was asked for.
    pub(super) fn choose(&mut self, at: &str, ways: Vec<Way>) -> usize {
        let left = self.left;
        let taken = match self.prefix.get(self.made.len()) {
            None => 0,
            Some((known, asked)) => {
                let same = known.as_deref().is_none_or(|known| known == at);
                if self.strayed.is_none() && (!same || *asked >= ways.len()) {
                    let before = known.as_deref().unwrap_or("what was chosen there");
                    self.strayed = Some(format!("choice {} was {before}, and then {at}", self.made.len() + 1));
                }
                if self.strayed.is_none() { *asked } else { 0 }
            }
        };
        self.left = left.saturating_sub(usize::from(ways[taken].fault));
        self.made.push(Made { at: at.into(), ways, taken, left });
        taken
    }

    /// Whether this choice is repeated from the last history.
    pub(super) fn repeats(&self) -> bool {
        self.made.len() < self.prefix.len()
    }

    /// Everything up to here is lost, or was durable before.
    pub(super) fn committed(&mut self) {
        self.committed = self.made.len();
    }

    /// Everything up to here is about to be durable.
    pub(super) fn commits(&mut self) {
        self.mark = self.made.len();
    }

    /// It is durable. What was chosen meanwhile is not.
    pub(super) fn has_committed(&mut self) {
        self.committed = self.mark;
    }

    /// What was chosen since then.
    pub(super) fn since(&self) -> impl Iterator<Item = (&str, usize)> {
        self.made[self.committed..].iter().map(|made| (&*made.at, made.taken))
    }

    /// How many faults there can still be.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Where the choices differ from the first way, in order.
    pub(super) fn told(&self) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(|made| made.taken > 0)
    }

    /// Where this history left the way of the one that it was to repeat.
    pub(super) fn strayed(&self) -> Option<&str> {
        self.strayed.as_deref()
    }

    /// How many faults there were.
    pub(super) fn faults(&self) -> usize {
        self.made.iter().filter(|made| made.way().fault).count()
    }

    /// Goes on to the next history, if there is one.
    pub(super) fn next(&mut self) -> bool {
        while let Some(last) = self.made.pop() {
            let fits = |way: &usize| !last.ways[*way].fault || last.left > 0;
            if let Some(other) = (last.taken + 1..last.ways.len()).find(fits) {
                let repeated = self.made.drain(..).map(|made| (Some(made.at), made.taken));
                self.prefix = repeated.chain([(Some(last.at), other)]).collect();
                (self.left, self.committed, self.mark) = (self.faults, 0, 0);
                return true;
            }
        }
        false
    }
}

/// The history in a few characters: what was taken, up to the last choice that was not the first way.
impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.made.iter().rposition(|made| made.taken > 0).map_or(0, |last| last + 1);
        for (index, made) in self.made[..last].iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            write!(f, "{dot}{}", made.taken)?;
        }
        Ok(())
    }
}

/// The same, read.
pub(super) fn parse(text: &str) -> Option<Vec<usize>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split('.').map(|taken| taken.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three choices: a plain one, then two with a fault each, the last of them only after the first way.
    fn history(choices: &mut Choices) -> String {
        let plain = choices.choose("a", vec![Way::new("0"), Way::new("1")]);
        let first = choices.choose("b", vec![Way::new("0"), Way::fault("1"), Way::fault("2")]);
        let mut told = format!("{plain}{first}");
        if plain == 0 {
            let second = choices.choose("c", vec![Way::new("0"), Way::fault("1")]);
            told.push_str(&second.to_string());
        }
        told
    }

    fn all(faults: usize) -> Vec<String> {
        let mut choices = Choices::with_faults(faults);
        let mut all = Vec::new();
        loop {
            all.push(history(&mut choices));
            if !choices.next() {
                return all;
            }
        }
    }

    #[test]
    fn every_history_comes_once_and_none_has_more_faults_than_it_may() {
        assert_eq!(all(0), ["000", "10"]);
        assert_eq!(all(1), ["000", "001", "010", "020", "10", "11", "12"]);
        assert_eq!(all(2), ["000", "001", "010", "011", "020", "021", "10", "11", "12"]);
    }

    #[test]
    fn a_history_is_told_in_a_few_characters_and_found_again_by_them() {
        let mut choices = Choices::with_faults(2);
        history(&mut choices);
        assert_eq!(choices.to_string(), "");
        while history(&mut choices) != "021" {
            assert!(choices.next());
        }
        let told: Vec<_> = choices.told().map(|made| format!("{}: {}", made.at, made.way().what)).collect();
        assert_eq!((choices.to_string().as_str(), choices.faults()), ("0.2.1", 2));
        assert_eq!(told, ["b: 2", "c: 1"]);
        let mut again = Choices::only(parse("0.2.1").expect("it is one"));
        assert_eq!(history(&mut again), "021");
        assert!(parse("0.x").is_none() && parse("").is_some_and(|taken| taken.is_empty()));
    }
}
