//! Random numbers, so that a seed says everything.

/// A small generator of random numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

/// Stirs a number (`SplitMix64`: Steele, Lea and Flood, 2014).
fn stirred(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    /// Those of this seed.
    pub fn new(seed: u64) -> Self {
        Self(stirred(seed))
    }

    /// Those of this seed and this text: the same wherever they are thrown.
    pub fn of(seed: u64, text: &str) -> Self {
        Self(text.bytes().fold(stirred(seed), |state, byte| stirred(state ^ u64::from(byte))))
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = stirred(self.0);
        self.0 % sides.max(1)
    }

    /// The same, as a number of a flow.
    pub fn number(&mut self, sides: u64) -> i64 {
        i64::try_from(self.roll(sides)).unwrap_or_default()
    }

    /// The same, as an index.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.roll(count as u64)).unwrap_or_default()
    }

    /// Whether something happens that does so in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    /// One of them, if there are any.
    pub fn pick<'t, T>(&mut self, among: &'t [T]) -> Option<&'t T> {
        among.get(self.index(among.len()))
    }
}
