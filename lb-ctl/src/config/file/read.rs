//! How values of the document are read where serde's own way would take too much or say too little.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess};

use crate::config::rules;

pub(super) fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let expects = "a weight, a whole number from 0 to 65535";
    deserializer.deserialize_u64(Number { expects, rule: rules::weight })
}

pub(super) fn netmask<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let expects = "a netmask, the length of a prefix";
    deserializer.deserialize_u64(Number { expects, rule: rules::policy::netmask_number }).map(Some)
}

pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let expects = "a port, a whole number from 1 to 65535";
    deserializer.deserialize_u64(Number { expects, rule: rules::check::port }).map(Some)
}

pub(super) fn rise<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let expects = "a number of successes";
    deserializer.deserialize_u64(Number { expects, rule: rules::check::rise }).map(Some)
}

pub(super) fn fall<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let expects = "a number of failures";
    deserializer.deserialize_u64(Number { expects, rule: rules::check::fall }).map(Some)
}

pub(super) fn quorum<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let expects = "a quorum, a sum of weights";
    deserializer.deserialize_u64(Number { expects, rule: rules::quorum::quorum }).map(Some)
}

pub(super) fn hysteresis<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let expects = "a hysteresis, a sum of weights";
    deserializer.deserialize_u64(Number { expects, rule: rules::quorum::hysteresis }).map(Some)
}

/// What is given is something: `null` is not.
pub(super) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_str(Duration).map(Some)
}

/// Reads the text of a duration: who writes a bare number is told of the unit.
struct Duration;

impl de::Visitor<'_> for Duration {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration like \"900s\", \"15m\" or \"1h\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

pub(super) fn statuses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let statuses = Vec::<Status>::deserialize(deserializer)?;
    Ok(statuses.into_iter().map(|status| status.0).collect())
}

/// A status or a range of them; who writes a number means its digits.
struct Status(String);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status like \"200\" or \"300-399\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Status, E> {
                Ok(Status(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Status, E> {
                Ok(Status(number.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Reads a whole number by a rule, since serde's own words for a number out of range name a Rust
/// type and not the range.
pub(super) struct Number<T, R> {
    pub(super) expects: &'static str,
    pub(super) rule: fn(i128) -> Result<T, R>,
}

impl<T, R: fmt::Display> de::Visitor<'_> for Number<T, R> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expects)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        (self.rule)(number.into()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        (self.rule)(number.into()).map_err(E::custom)
    }
}

/// A struct that is written as an object and as nothing else: serde's derive would also take an
/// array of the fields' values, which the schema does not have.
pub(in crate::config) struct Object<T>(pub(in crate::config) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

/// Reads a struct that is written as an object and as nothing else, where one is given.
///
/// # Errors
/// Where it is something else, or not such a struct.
pub fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|object| Some(object.0))
}

pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}
