//! What the rows of calls say: what is called or waited for, with which arguments, and which locals live.

use super::event::Name;
use crate::{
    definition::{ChildKind, Class},
    machine::Json,
};
use litemap::LiteMap;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
    ser::SerializeStruct as _,
};
use std::fmt;

/// A call or a wait that a flow has arrived at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Called {
    /// The state's durable name.
    pub(crate) state: Name,
    /// What a build must agree on to resume here.
    pub(crate) fingerprint: Name,
    /// Which call in this state of this strand it is, from 1; written unless it is the first.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(crate) ordinal: u64,
    /// What is called or waited for.
    pub(crate) calls: Calls,
    /// The live locals, by name.
    #[serde(default, skip_serializing_if = "LiteMap::is_empty")]
    pub(crate) frame: Saved,
}

fn first() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(ordinal: &u64) -> bool {
    *ordinal == 1
}

/// Saved values by name.
pub(crate) type Saved = LiteMap<Name, Stored>;

/// What is called or waited for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Calls {
    /// A step, with its arguments by parameter.
    Step(StepAt, Saved),
    /// An inner flow, with its arguments by parameter.
    Flow(Name, Saved),
    /// Branches.
    Join {
        /// What each of them calls; one for all if there is only one.
        callees: Vec<Callee>,
        /// The arguments of each.
        branches: Vec<Saved>,
        /// How many may run at a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// A time, or a signal.
    Wait {
        /// The signals.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        signals: Vec<Name>,
        /// The time, in microseconds since the epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    },
    /// Another saga, which was started in the commit of this row.
    Child {
        /// Which.
        child: ChildAt,
        /// Its input.
        arguments: Saved,
        /// When its time is over, if this one says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<i64>,
    },
    /// A signal for another saga's instance.
    Send {
        /// The saga.
        saga: Box<str>,
        /// The instance.
        id: Box<str>,
        /// The signal.
        signal: Box<str>,
        /// Its value.
        value: Json,
    },
}

/// What a branch calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Callee {
    /// A step.
    Step(StepAt),
    /// An inner flow.
    Flow(Name),
}

/// A step, as a journal knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepAt {
    /// The step's durable name.
    pub(crate) step: Name,
    /// The step's class; written unless it is what most are.
    #[serde(default = "compensatable", skip_serializing_if = "is_compensatable")]
    pub(crate) class: Class,
    /// The compensation that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compensation: Option<Name>,
    /// Whether its answer commits with what it writes: then it has happened if that is in the journal, and not otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) transactional: bool,
}

fn compensatable() -> Class {
    Class::Compensatable
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_compensatable(class: &Class) -> bool {
    *class == Class::Compensatable
}

/// Another saga's instance that was started by this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildAt {
    /// The saga's durable name.
    pub(crate) saga: Box<str>,
    /// The instance's id.
    pub(crate) id: Box<str>,
    /// What it is to this one.
    pub(crate) kind: ChildKind,
}

/// A call that can be undone: the row of the call, and which branch of it, if it is one of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct CallId {
    /// The row.
    pub(crate) row: u64,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<u32>,
}

/// A saved value: here, or in an earlier row.
///
/// Written as `{"value": ..}`; as `2` if row 2 holds it under the same name, which is what most rows say of most locals; as
/// `[2, "order"]` if that row holds it for the local `order`.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// This one.
    Value(Json),
    /// What this row holds.
    Kept {
        /// The row.
        row: u64,
        /// For which local, if that has another name than the value here.
        local: Option<Name>,
    },
}

impl Stored {
    /// What this row holds for this local, as the value of this name.
    pub(crate) fn kept(row: u64, local: &'static str, name: &str) -> Self {
        Self::Kept { row, local: (local != name).then(|| local.into()) }
    }
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(json) => {
                let mut object = serializer.serialize_struct("Stored", 1)?;
                object.serialize_field("value", json)?;
                object.end()
            }
            Self::Kept { row, local: None } => row.serialize(serializer),
            Self::Kept { row, local: Some(local) } => (row, local).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;

        impl<'de> Visitor<'de> for Reads {
            type Value = Stored;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, or the row that holds it")
            }

            fn visit_u64<E>(self, row: u64) -> Result<Stored, E> {
                Ok(Stored::Kept { row, local: None })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Stored, A::Error> {
                let missing = || A::Error::invalid_length(0, &"a row and a local");
                let row = seq.next_element()?.ok_or_else(missing)?;
                let local = Some(seq.next_element()?.ok_or_else(missing)?);
                Ok(Stored::Kept { row, local })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stored, A::Error> {
                match map.next_key::<&str>()? {
                    Some("value") => Ok(Stored::Value(map.next_value()?)),
                    Some(other) => Err(A::Error::unknown_field(other, &["value"])),
                    None => Err(A::Error::missing_field("value")),
                }
            }
        }

        deserializer.deserialize_any(Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_value_is_written_shortly_and_reads_back() {
        let json = |text: &str| serde_json::from_str::<Stored>(text);
        for text in [r#"{"value":{"a":[1,2]}}"#, r#"{"value":null}"#, "7", r#"[7,"order"]"#] {
            let stored = json(text).expect("it is one");
            assert_eq!(serde_json::to_string(&stored).expect("it is JSON"), text);
        }
        assert!(matches!(json("7"), Ok(Stored::Kept { row: 7, local: None })));
        for (text, says) in [
            ("-1", "a value, or the row that holds it"),
            ("\"7\"", "a value, or the row that holds it"),
            ("{}", "missing field `value`"),
            (r#"{"row":7}"#, "unknown field `row`, expected `value`"),
            ("[]", "a row and a local"),
            ("[7]", "a row and a local"),
            (r#"[7,"a",8]"#, "trailing characters"),
            (r#"{"value":1,"row":7}"#, "trailing comma"),
        ] {
            let error = json(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_most_calls_are_is_not_written() {
        let step = |class| StepAt { step: "seat".into(), class, compensation: None, transactional: false };
        let called = |ordinal, class| Called {
            state: "seat".into(),
            fingerprint: "f".into(),
            ordinal,
            calls: Calls::Step(step(class), Saved::new()),
            frame: Saved::new(),
        };
        for (called, text) in [
            (
                called(1, Class::Compensatable),
                r#"{"state":"seat","fingerprint":"f","calls":{"step":[{"step":"seat"},[]]}}"#,
            ),
            (
                called(2, Class::Pivot),
                r#"{"state":"seat","fingerprint":"f","ordinal":2,"calls":{"step":[{"step":"seat","class":"pivot"},[]]}}"#,
            ),
        ] {
            let written = serde_json::to_string(&called).expect("it is JSON");
            assert_eq!(written, text);
            let back: Called = serde_json::from_str(&written).expect("it reads back");
            assert_eq!(back.ordinal, called.ordinal);
            let (Calls::Step(back, _), Calls::Step(step, _)) = (back.calls, called.calls) else { panic!("{written}") };
            assert_eq!(back, step);
        }
    }

    #[test]
    fn a_name_that_is_the_locals_own_is_not_written() {
        assert!(matches!(Stored::kept(2, "order", "order"), Stored::Kept { row: 2, local: None }));
        assert!(
            matches!(Stored::kept(2, "order", "of"), Stored::Kept { row: 2, local: Some(local) } if local == "order")
        );
    }
}
