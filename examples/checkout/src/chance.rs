//! Chance that can be had again: numbers that depend on a seed and a few words alone.

use sha2::{Digest, Sha256};

/// A number from 0 up to, and not including, 1. The same seed and words give the same number.
pub(crate) fn draw(seed: u64, about: &str, word: &str) -> f64 {
    f64::from(bits(seed, about, word)) / (f64::from(u32::MAX) + 1.0)
}

/// A whole number below another one, drawn likewise; 0 where there is nothing to draw from.
pub(crate) fn pick(seed: u64, about: &str, word: &str, below: u32) -> u32 {
    // The upper half of the product of two numbers of 32 bits has 32 bits itself.
    let product = u64::from(bits(seed, about, word)) * u64::from(below);
    u32::try_from(product >> 32).unwrap_or_default()
}

fn bits(seed: u64, about: &str, word: &str) -> u32 {
    let hash = Sha256::digest(format!("{seed}\n{about}\n{word}"));
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}
