//! The ports that a service takes: one, a range, or any.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// How ports are written as JSON, for messages about anything else.
const EXPECTS: &str =
    "a port from 1 to 65535, 0 for any port, or a range of ports like \"8000-8100\"";

/// What is wrong with ports, and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum PortsError {
    /// No port has this number.
    #[error("port {number} is outside 1 to 65535 (0 stands for any port)")]
    Number { number: i128 },
    /// The last port comes before the first.
    #[error("the range of ports {first}-{last} is empty: write \"{last}-{first}\"")]
    Reversed { first: u16, last: u16 },
    /// Port 0 is none that a packet is balanced by.
    #[error(
        "the range of ports {text:?} contains port 0: begin it at 1, or give port 0 alone, which \
         stands for any port"
    )]
    Zero { text: String },
    /// Neither a number nor two.
    #[error(
        "{text:?} is neither a port nor a range of ports: write 80, 8000-8100, or 0 for any port"
    )]
    Form { text: String },
    /// A number in quotes, where JSON has numbers.
    #[error("a single port is a number: write {port} without quotes")]
    Quoted { port: u16 },
}

/// One port, a range of them, or any port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ports {
    /// 0 stands for any port, and then `last` is 0 as well.
    first: u16,
    /// Never below `first`.
    last: u16,
}

impl Ports {
    /// Any port: the service takes what no other service at its VIP does.
    pub const ANY: Self = Self::one(0);

    /// One port; 0 is any.
    pub const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// From `first` to `last`, both included; `None` where that is empty or contains port 0.
    pub const fn range(first: u16, last: u16) -> Option<Self> {
        if first == 0 || first > last { None } else { Some(Self { first, last }) }
    }

    /// The port, where it is one.
    pub const fn single(self) -> Option<u16> {
        if self.first == self.last && !self.is_any() { Some(self.first) } else { None }
    }

    /// The lowest port; 0 where any is taken.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port; 0 where any is taken.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Whether any port is taken.
    pub const fn is_any(self) -> bool {
        self.first == 0
    }

    /// Whether a packet to `port` is meant.
    pub const fn contains(self, port: u16) -> bool {
        self.is_any() || (self.first <= port && port <= self.last)
    }

    /// Whether a packet could be meant by both with equal right. One that takes any port stands
    /// back behind every other.
    pub const fn overlaps(self, other: &Self) -> bool {
        !self.is_any() && !other.is_any() && self.first <= other.last && other.first <= self.last
    }

    /// These ports of an address, as they are written: `192.0.2.10:8000-8100`, `[2001:db8::10]:0`.
    pub fn at(self, address: IpAddr) -> String {
        let first = SocketAddr::new(address, self.first);
        if self.first == self.last { first.to_string() } else { format!("{first}-{}", self.last) }
    }

    /// The port of this number; 0 is any.
    ///
    /// # Errors
    /// [`PortsError::Number`] where there is none.
    pub fn from_number(number: i128) -> Result<Self, PortsError> {
        u16::try_from(number).map(Self::one).map_err(|_| PortsError::Number { number })
    }
}

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        Self::one(port)
    }
}

impl fmt::Display for Ports {
    /// As they are typed: `80`, `8000-8100`, `0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { first, last } if first == last => write!(f, "{first}"),
            Self { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

impl FromStr for Ports {
    type Err = PortsError;

    /// Reads `80`, `8000-8100` or `0`.
    fn from_str(text: &str) -> Result<Self, PortsError> {
        let number = |part: &str| match part.parse::<i128>() {
            Ok(number) if is_digits(part) => Self::from_number(number),
            // What is too long for the type is too high for a port.
            Err(_) if is_digits(part) => Err(PortsError::Number { number: i128::MAX }),
            _ => Err(PortsError::Form { text: text.to_owned() }),
        };
        let Some((first, last)) = text.split_once('-') else {
            return number(text);
        };
        let (first, last) = (number(first)?.first, number(last)?.first);
        if first == 0 || last == 0 {
            return Err(PortsError::Zero { text: text.to_owned() });
        }
        Self::range(first, last).ok_or(PortsError::Reversed { first, last })
    }
}

/// Rust's own integer parser would also take a `+`.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            serializer.serialize_u16(self.first)
        } else {
            serializer.collect_str(self)
        }
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Ports;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTS)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ports, E> {
        Ports::from_number(number.into()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Ports, E> {
        Ports::from_number(number.into()).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ports, E> {
        let ports: Ports = text.parse().map_err(E::custom)?;
        if text.contains('-') {
            Ok(ports)
        } else {
            Err(E::custom(PortsError::Quoted { port: ports.first }))
        }
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One port, any port (0), or a range of ports.",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 65535 },
                { "type": "string", "pattern": "^[0-9]+-[0-9]+$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests;
