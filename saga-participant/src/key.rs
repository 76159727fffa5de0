//! The key of a call.

use std::fmt;

/// Names one call, for as long as it takes: whoever sends the call again sends the same key.
///
/// 1 to 64 visible ASCII characters, no quotes among them: what `StepContext::key` of a saga gives, and what goes through
/// an HTTP header unharmed.
///
/// ```
/// use saga_participant::Key;
///
/// assert_eq!(Key::new("order-42.charge")?.as_str(), "order-42.charge");
/// assert!(Key::new("two words").is_err());
/// # Ok::<(), saga_participant::BadKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// The longest key, in characters.
    pub const LONGEST: usize = 64;

    /// A key, if the text is one.
    ///
    /// # Errors
    /// [`BadKey`] where it is empty, too long, or holds a space, a quote, or what is not visible ASCII.
    pub fn new(text: &str) -> Result<Self, BadKey> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        // A quote is left out because the headers of HTTP may put the key between two of them.
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if fits && plain { Ok(Self(text.into())) } else { Err(BadKey(())) }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`Key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKey(());

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 1 to 64 visible ASCII characters, without quotes")
    }
}

impl std::error::Error for BadKey {}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_key_is_short_and_visible() {
        let longest = "k".repeat(64);
        for good in ["k", "a/b:c.d-e_f~", longest.as_str()] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        let too_long = "k".repeat(65);
        for bad in ["", " ", "two words", "tab\there", "nul\0", "schlüssel", "say \"k\"", "line\n", too_long.as_str()]
        {
            assert!(Key::new(bad).is_err(), "{bad:?}");
        }
    }
}
