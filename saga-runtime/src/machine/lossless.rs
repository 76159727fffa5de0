//! Finds what JSON does not tell apart: a `null` that would come back as something else.
//!
//! `Some(())` and `Some(None)` are written as `null`, which is read back as `None`; a number that is not finite is written
//! as `null` too, which is no number. Each would change what a flow decides, but only after a crash.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt;

/// Whether each `null` that is written for this value comes back as what it was.
///
/// Only a value whose text has a `null` need be asked.
///
/// # Errors
/// The first that does not, with where it stands.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), Lost> {
    value.serialize(Walk { in_some: false })
}

/// A value that JSON would lose.
#[derive(Debug)]
pub(super) struct Lost {
    /// Where it stands in the whole: `.delivery.note`.
    at: String,
    why: String,
}

impl Lost {
    fn new(why: &str) -> Self {
        Self { at: String::new(), why: why.to_owned() }
    }

    fn within(self, place: impl fmt::Display) -> Self {
        Self { at: format!("{place}{}", self.at), why: self.why }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.strip_prefix('.').unwrap_or(&self.at) {
            "" => f.write_str(&self.why),
            at => write!(f, "`{at}`: {}", self.why),
        }
    }
}

impl std::error::Error for Lost {}

impl serde::ser::Error for Lost {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::new(&message.to_string())
    }
}

/// Goes through a value and writes nothing.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// Whether the value is what a `Some` holds.
    in_some: bool,
}

impl Walk {
    /// What is written as `null`.
    fn null(self) -> Result<(), Lost> {
        if self.in_some {
            return Err(Lost::new(
                "`Some` of nothing, as `Some(())` or `Some(None)`, is saved as `null` and would come back as `None`: \
                 say it with a `bool`, or with an enum that has a name for each case",
            ));
        }
        Ok(())
    }

    fn number(is_finite: bool) -> Result<(), Lost> {
        if is_finite { Ok(()) } else { Err(Lost::new("it is no finite number, and JSON has no other")) }
    }
}

/// What holds nothing that could be lost.
macro_rules! kept {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<(), Lost> { Ok(()) })*
    };
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Lost;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    kept! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Lost> {
        Self::number(number.is_finite())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Lost> {
        Self::number(number.is_finite())
    }

    fn serialize_none(self) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_unit(self) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Lost> {
        value.serialize(Self { in_some: true })
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Lost> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Lost> {
        inside(value, format_args!(".{variant}"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Lost> {
        Ok(Parts::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Lost> {
        Ok(Parts::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Lost> {
        Ok(Parts::default())
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts, Lost> {
        Ok(Parts { variant: Some(variant), ..Parts::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Lost> {
        Ok(Parts::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Lost> {
        Ok(Parts::default())
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Parts, Lost> {
        Ok(Parts { variant: Some(variant), ..Parts::default() })
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Lost> {
        Ok(())
    }
}

/// A part of the whole, which is said to stand here.
fn inside<T: Serialize + ?Sized>(value: &T, place: impl fmt::Display) -> Result<(), Lost> {
    value.serialize(Walk { in_some: false }).map_err(|lost| lost.within(place))
}

/// Goes through the parts of a value.
#[derive(Debug, Default)]
struct Parts {
    variant: Option<&'static str>,
    /// How many elements there were, if they have no names.
    seen: usize,
    /// The key of the entry whose value comes next, if it is a text.
    key: String,
}

impl Parts {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
        let at = self.seen;
        self.seen += 1;
        self.named(value, format_args!("[{at}]"))
    }

    fn named<T: Serialize + ?Sized>(&self, value: &T, place: impl fmt::Display) -> Result<(), Lost> {
        let variant = self.variant.map(|variant| format!(".{variant}")).unwrap_or_default();
        inside(value, format_args!("{variant}{place}"))
    }
}

/// The traits of what has elements.
macro_rules! elements {
    ($($trait:ident $method:ident)*) => {
        $(impl $trait for Parts {
            type Ok = ();
            type Error = Lost;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
                self.element(value)
            }

            fn end(self) -> Result<(), Lost> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// The traits of what has fields.
macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl $trait for Parts {
            type Ok = ();
            type Error = Lost;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<(), Lost> {
                self.named(value, format_args!(".{field}"))
            }

            fn end(self) -> Result<(), Lost> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Parts {
    type Ok = ();
    type Error = Lost;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Lost> {
        self.key = serde_json::to_string(key).map_err(Lost::custom)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
        self.named(value, format_args!("[{}]", self.key))
    }

    fn end(self) -> Result<(), Lost> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::machine::{Written, decode, encode};
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Serialize)]
    struct Nothing;

    #[derive(Debug, Serialize)]
    struct Wrapped<T>(T);

    #[derive(Debug, Serialize)]
    struct Parcel<T> {
        note: Option<T>,
        weights: Vec<f64>,
    }

    #[derive(Debug, Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Nothing,
    }

    #[derive(Debug, Serialize)]
    enum Way<T> {
        Nowhere,
        By(Option<T>),
        Via { stop: Option<T> },
        Over(u8, Option<T>),
    }

    fn is_lost(value: &(impl Written + ?Sized), at: &str) {
        let error = encode(value).expect_err("it would come back as something else").to_string();
        assert!(error.starts_with(at), "{error}");
    }

    #[test]
    fn rule_5_a_some_of_nothing_is_found_wherever_it_stands() {
        let some_of_nothing = "`Some` of nothing";
        is_lost(&Some(()), some_of_nothing);
        is_lost(&Some(None::<u8>), some_of_nothing);
        is_lost(&Some(Some(None::<u8>)), some_of_nothing);
        is_lost(&Some(Nothing), some_of_nothing);
        is_lost(&Some(Untagged::Nothing), some_of_nothing);
        is_lost(&Some(serde_json::Value::Null), some_of_nothing);
        is_lost(&Wrapped(Some(Wrapped(()))), some_of_nothing);
        is_lost(&(1, Some(())), "`[1]`: `Some`");
        is_lost(&[None, Some(())], "`[1]`: `Some`");
        is_lost(&Parcel { note: Some(()), weights: vec![] }, "`note`: `Some`");
        is_lost(&Way::By(Some(())), "`By`: `Some`");
        is_lost(&Way::Via { stop: Some(()) }, "`Via.stop`: `Some`");
        is_lost(&Way::Over(1, Some(())), "`Over[1]`: `Some`");
        let parcels = BTreeMap::from([("a", vec![Parcel { note: Some(None::<u8>), weights: vec![] }])]);
        is_lost(&parcels, "`[\"a\"][0].note`: `Some`");
    }

    #[test]
    fn rule_5_a_number_that_json_does_not_have_is_found_wherever_it_stands() {
        is_lost(&f64::NAN, "it is no finite number");
        is_lost(&Some(f32::INFINITY), "it is no finite number");
        is_lost(&Parcel { note: None::<()>, weights: vec![1.0, f64::NEG_INFINITY] }, "`weights[1]`: it is no finite");
    }

    #[test]
    fn what_comes_back_as_it_was_is_let_through() {
        encode(&()).expect("nothing");
        encode(&None::<()>).expect("a `None`");
        encode(&(None::<u8>, (), [None, Some(1)])).expect("parts that are nothing");
        encode(&Some("null")).expect("a text");
        encode(&Some(vec![()])).expect("nothing within a list");
        encode(&Some(Some(Some(1)))).expect("a value within");
        encode(&Some([("null", None::<()>)])).expect("a `None` within a pair");
        encode(&[Way::<u8>::Nowhere, Way::By(None), Way::Via { stop: None }, Way::Over(0, None)]).expect("`None`s");
        encode(&Parcel { note: Some("it may be null"), weights: vec![f64::MAX] }).expect("a text");
        let json = encode(&Some(Wrapped([None, Some(1)]))).expect("a `None` within");
        assert_eq!(decode::<Option<[Option<u8>; 2]>>(&json).expect("it reads"), Some([None, Some(1)]));
    }
}
