//! The document of the definition file: its shape and its schema, not yet its rules.

use std::fmt;
use std::marker::PhantomData;

use lb_common::timeout::default_idle_secs;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use super::model::{self, Desired};
use super::rules;

/// What an lb-ctl director balances.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lb-ctl definition")]
pub struct Document {
    /// Interfaces to balance on, in addition to those named on the daemon's command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        extend("uniqueItems" = true),
        inner(length(min = 1, max = 15), regex(pattern = r"^[^\s/:]+$"))
    )]
    pub interfaces: Vec<String>,
    /// The services. Protocol, VIP and port together must be unique, and so must the names.
    #[serde(default, deserialize_with = "objects")]
    pub services: Vec<Service>,
}

/// A virtual service: what clients connect to, and the real servers behind it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// A name for people and metrics, unique in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// The transport protocol.
    #[schemars(extend("enum" = ["tcp", "udp"]))]
    pub protocol: String,
    /// The virtual address, IPv4 or IPv6, without a prefix length.
    #[schemars(extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub vip: String,
    /// The port. The reals listen on the same one: direct routing cannot rewrite ports.
    #[serde(deserialize_with = "port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// How a real is picked for a new connection: `mh` is Maglev hashing over the 5-tuple.
    #[serde(default = "default_scheduler")]
    #[schemars(extend("enum" = ["mh"]))]
    pub scheduler: String,
    /// What is remembered of its flows: `changes` only those that a change of the reals would move,
    /// `full` every flow, `none` nothing (then a change of the reals moves flows).
    #[serde(default = "default_tracking", skip_serializing_if = "is_default_tracking")]
    #[schemars(extend("enum" = ["changes", "full", "none"], "default" = "changes"))]
    pub tracking: String,
    /// How long after its last packet a flow is forgotten: whole seconds (`900s`), minutes (`15m`),
    /// hours (`1h`) or days, 13 days at most. Where absent, `900s` for TCP and `60s` for UDP.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "duration")]
    #[schemars(with = "String", regex(pattern = r"^0*[1-9][0-9]*[smhd]$"))]
    pub idle_timeout: Option<String>,
    /// The real servers. Their addresses must be unique in the service.
    #[serde(default, deserialize_with = "objects")]
    pub reals: Vec<Real>,
}

/// A real server of one service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Real {
    /// Its own address, of the VIP's family and on a network of the director.
    #[schemars(extend("anyOf" = [{ "format": "ipv4" }, { "format": "ipv6" }]))]
    pub address: String,
    /// Its share of new connections relative to the other reals; 0 takes none.
    #[serde(default = "default_weight", deserialize_with = "weight")]
    #[schemars(range(min = 0, max = 65535))]
    pub weight: u16,
    /// Takes no new connections while true; the weight is kept for later.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub drain: bool,
}

/// The text of the file that asks for `desired`: indented JSON that ends in a newline.
#[expect(clippy::missing_panics_doc, reason = "it cannot panic")]
pub fn render(desired: &Desired) -> String {
    let mut text = serde_json::to_string_pretty(&Document::from(desired))
        .expect("strings, numbers and lists of them always serialize");
    text.push('\n');
    text
}

/// The JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

impl From<&Desired> for Document {
    fn from(desired: &Desired) -> Self {
        Self {
            interfaces: desired.interfaces.clone(),
            services: desired.services.values().map(Service::from).collect(),
        }
    }
}

impl From<&model::Service> for Service {
    fn from(service: &model::Service) -> Self {
        let real = |(address, real): (&std::net::IpAddr, &model::Real)| Real {
            address: address.to_string(),
            weight: real.weight,
            drain: real.drained,
        };
        let default_idle = default_idle_secs(service.endpoint.protocol);
        let idle_timeout = service.idle_timeout;
        Self {
            name: service.name.clone(),
            protocol: service.endpoint.protocol.name().to_owned(),
            vip: service.endpoint.address.to_string(),
            port: service.endpoint.port,
            scheduler: service.scheduler.name().to_owned(),
            tracking: service.tracking.name().to_owned(),
            idle_timeout: (idle_timeout != default_idle).then(|| format!("{idle_timeout}s")),
            reals: service.reals.iter().map(real).collect(),
        }
    }
}

fn default_scheduler() -> String {
    model::Scheduler::default().name().to_owned()
}

fn default_tracking() -> String {
    model::Tracking::default().name().to_owned()
}

fn is_default_tracking(word: &str) -> bool {
    word == model::Tracking::default().name()
}

const fn default_weight() -> u16 {
    model::DEFAULT_WEIGHT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let expects = "a port, a whole number from 1 to 65535";
    deserializer.deserialize_u64(Number { expects, rule: rules::port })
}

fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let expects = "a weight, a whole number from 0 to 65535";
    deserializer.deserialize_u64(Number { expects, rule: rules::weight })
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
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

/// Reads a whole number by a rule, since serde's own words for a number out of range name a Rust
/// type and not the range.
struct Number {
    expects: &'static str,
    rule: fn(i128) -> Result<u16, rules::RuleError>,
}

impl de::Visitor<'_> for Number {
    type Value = u16;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expects)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u16, E> {
        (self.rule)(number.into()).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u16, E> {
        (self.rule)(number.into()).map_err(E::custom)
    }
}

/// A struct that is written as an object and as nothing else: serde's derive would also take an
/// array of the fields' values, which the schema does not have.
pub(super) struct Object<T>(pub(super) T);

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

fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

#[cfg(test)]
mod tests;
