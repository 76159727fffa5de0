//! Bytes that are like what the library writes, and wrong in some way.

/// Numbers at which something ends.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "2",
    "-1",
    "127",
    "255",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
];

/// What has a meaning of its own in JSON, in a journal or in a line of rows.
const WORDS: [&str; 20] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "{}", "[]", "\n", "+1 ", "#", "@",
    "\0", "\u{feff}",
];

/// Changes bytes; the same seed changes them in the same way.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// Seeds that follow one another begin far apart.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1)
    }

    /// Less than this. (splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.)
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let rolled = (z ^ (z >> 31)) % u64::try_from(sides.max(1)).unwrap_or(1);
        usize::try_from(rolled).unwrap_or(0)
    }

    /// One of the seeds, changed once or a few times.
    pub fn mutate(&mut self, seeds: &[String]) -> Vec<u8> {
        let mut bytes = self.one(seeds);
        for _ in 0..=self.roll(4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn one(&mut self, seeds: &[String]) -> Vec<u8> {
        let place = self.roll(seeds.len());
        seeds.get(place).map_or_else(Vec::new, |seed| seed.clone().into_bytes())
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[String]) {
        let at = self.roll(bytes.len() + 1);
        let until = bytes.len().min(at + 1 + self.roll(24));
        match self.roll(12) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.roll(8);
                }
            }
            1 => drop(bytes.drain(at.min(until)..until)),
            2 => bytes.truncate(at),
            3 => {
                let twice = bytes[at.min(until)..until].to_vec();
                bytes.splice(at..at, twice);
            }
            4 => {
                let word = WORDS[self.roll(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
            5 => {
                // A part of another one.
                let other = self.one(seeds);
                let from = self.roll(other.len() + 1);
                let to = other.len().min(from + self.roll(200));
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            6 => {
                // Brackets, deep.
                let (open, close) =
                    [("[", "]"), ("{\"a\":", "}"), ("{\"in\":{\"branch\":\"a\",\"event\":", "}}")][self.roll(3)];
                let deep = 1 + self.roll(300);
                let (mut nest, end) = (open.repeat(deep), close.repeat(deep));
                nest.push_str(&String::from_utf8_lossy(&bytes[at.min(until)..until]));
                nest.push_str(&end);
                bytes.splice(at.min(until)..until, nest.bytes());
            }
            7 => self.swap_lines(bytes),
            8 => self.swap_texts(bytes),
            _ => self.change_number(bytes, at),
        }
    }

    /// The next number gets another value.
    fn change_number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let digit = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
        let Some(from) = bytes.iter().skip(at).position(digit).map(|place| place + at) else { return };
        let length = bytes[from..].iter().take_while(|byte| digit(byte)).count();
        let number = NUMBERS[self.roll(NUMBERS.len())];
        bytes.splice(from..from + length, number.bytes());
    }

    /// Lines change places, are left out, or stand there twice.
    fn swap_lines(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let (one, other) = (self.roll(lines.len()), self.roll(lines.len()));
        match self.roll(3) {
            0 => lines.swap(one, other),
            1 => drop(lines.remove(one)),
            _ => lines.insert(other, lines[one].clone()),
        }
        *bytes = lines.join(&b'\n');
    }

    /// A quoted text gets the place of another one: a kind, a name, a path.
    fn swap_texts(&mut self, bytes: &mut Vec<u8>) {
        let quotes: Vec<usize> = (0..bytes.len()).filter(|&place| bytes[place] == b'"').collect();
        let pairs: Vec<(usize, usize)> = quotes.chunks_exact(2).map(|pair| (pair[0] + 1, pair[1])).collect();
        if pairs.is_empty() {
            return;
        }
        let (one, other) = (pairs[self.roll(pairs.len())], pairs[self.roll(pairs.len())]);
        let text = bytes[other.0..other.1].to_vec();
        bytes.splice(one.0..one.1, text);
    }
}
