//! The hash by which a call that comes again is recognised as the same.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// How deep JSON may be nested and still be compared by what it says; deeper, it is compared byte by byte.
const DEPTH: usize = 32;

/// The hash of everything that a call says, beside its key.
///
/// It is stored, and compared by every later release: a change of how it is made would turn calls that were on their way
/// during an update into conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request(String);

impl Request {
    /// The hash of these parts and this body.
    ///
    /// JSON is compared by what it says: a caller that builds it from a hash map sends its fields in another order each
    /// time, and means the same. Numbers are compared as they are written, since reading them could lose digits.
    pub(crate) fn of(parts: &[&str], body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // With its length before it, so that no part can pass for the end of another.
            hash.update(format!("{}:{part}\n", part.len()));
        }
        match canonical(body) {
            Some(text) => hash.update(text),
            None => hash.update(body),
        }
        Self(format!("{:x}", hash.finalize()))
    }

    /// One that was read from the table.
    pub(crate) fn stored(hash: String) -> Self {
        Self(hash)
    }

    /// As it is stored: 64 hexadecimal digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// JSON without spaces and with the fields of each object in order; nothing if it is not JSON.
fn canonical(body: &[u8]) -> Option<String> {
    if depth(body) > DEPTH {
        return None;
    }
    let value: &RawValue = serde_json::from_slice(body).ok()?;
    let mut text = String::with_capacity(body.len());
    write(value.get(), &mut text)?;
    Some(text)
}

/// How deep brackets are nested. Each level is read once more by [`write`], so this is asked first, of whatever came.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in body {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn write(value: &str, text: &mut String) -> Option<()> {
    match value.as_bytes().first()? {
        b'{' => {
            let Fields(mut fields) = serde_json::from_str(value).ok()?;
            // Stable: fields of one name stay in the order in which they were sent, since that may mean something.
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            text.push('{');
            for (name, value) in fields {
                text.push_str(&serde_json::to_string(&name).ok()?);
                text.push(':');
                write(value.get(), text)?;
                text.push(',');
            }
            text.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            text.push('[');
            for item in items {
                write(item.get(), text)?;
                text.push(',');
            }
            text.push(']');
        }
        b'"' => {
            // One character can be written in several ways.
            let string: String = serde_json::from_str(value).ok()?;
            text.push_str(&serde_json::to_string(&string).ok()?);
        }
        _ => text.push_str(value),
    }
    Some(())
}

/// The fields of an object as they stand there, also one that stands there twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn same(one: &str, other: &str) -> bool {
        Request::of(&["hold"], one.as_bytes()) == Request::of(&["hold"], other.as_bytes())
    }

    #[test]
    fn json_is_compared_by_what_it_says() {
        assert!(same(r#"{"a":1,"b":[true,null]}"#, "{ \"b\": [true , null],\n \"a\": 1 }"));
        assert!(same(r#"{"o":{"x":1,"y":2}}"#, r#"{"o":{"y":2,"x":1}}"#));
        assert!(same(r#"["ü"]"#, r#"["\u00fc"]"#));
    }

    #[test]
    fn what_says_something_else_is_not_the_same() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            ("[1,2]", "[2,1]"),
            ("[[1],2]", "[[1,2]]"),
            (r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            ("", "null"),
            ("not json", "not  json"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn numbers_that_no_machine_word_holds_are_told_apart() {
        assert!(!same("18446744073709551616", "18446744073709551617"));
        assert!(!same("[0.1]", "[0.10000000000000000000001]"));
    }

    #[test]
    fn no_part_passes_for_another() {
        let of = |parts: &[&str]| Request::of(parts, b"{}");
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a", ""]), of(&["", "a"]));
    }

    #[test]
    fn nesting_without_end_is_compared_as_bytes() {
        let nested = |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(same(&nested(32, "1"), &nested(32, " 1")));
        for levels in [33, 200_000] {
            assert!(same(&nested(levels, "1"), &nested(levels, "1")));
            assert!(!same(&nested(levels, "1"), &nested(levels, " 1")));
        }
    }

    #[test]
    fn the_hash_is_what_it_was_in_every_release() {
        let hash = Request::of(&["action", "hold", "/holds", ""], r#"{"b":"ü","a":[1.50]}"#.as_bytes());
        assert_eq!(hash.as_str(), "2fb788d440c1697b8680825547550da69078d4cf50445a49bd00f5acc3aa4fcf");
    }
}
