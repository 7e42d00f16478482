//! One difference, and how it is written.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::model::Endpoint;

/// One difference. Its `Display` is one line, like `+ service tcp 192.0.2.10:80 (mh)`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What happens to the object.
    #[serde(flatten)]
    pub action: Action,
    /// The object.
    #[serde(flatten)]
    pub object: Object,
}

/// What happens to an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// It comes, with these properties.
    Add(Properties),
    /// It goes, with these properties.
    Remove(Properties),
    /// It stays, with other properties.
    Change {
        /// What differs, never empty.
        fields: Vec<Field>,
    },
}

/// What an object that comes or goes is like; what does not apply to it is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Properties {
    /// The name of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scheduler of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// What is remembered of a service's flows, where that is not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// The idle timeout of a service in seconds, where it is not its protocol's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u32>,
    /// The weight of a real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// Whether a real is drained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<bool>,
}

/// What changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "object", rename_all = "lowercase")]
pub enum Object {
    /// An interface to balance on.
    Interface {
        /// Its name.
        interface: String,
    },
    /// A service.
    Service(ServiceId),
    /// A real of a service.
    Real {
        /// Its address.
        address: IpAddr,
        /// The service it belongs to.
        service: ServiceId,
    },
}

/// What names a service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServiceId {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The virtual address.
    pub vip: IpAddr,
    /// The port.
    pub port: u16,
}

/// A property that differs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "field", rename_all = "lowercase")]
#[expect(missing_docs, reason = "each holds the value before and after")]
pub enum Field {
    /// The name of a service.
    Name { from: Option<String>, to: Option<String> },
    /// The scheduler of a service.
    Scheduler { from: String, to: String },
    /// What is remembered of a service's flows.
    Tracking { from: String, to: String },
    /// The idle timeout of a service, in seconds.
    #[serde(rename = "idle_timeout")]
    IdleTimeout { from: u32, to: u32 },
    /// The weight of a real.
    Weight { from: u16, to: u16 },
    /// Whether a real is drained.
    Drain { from: bool, to: bool },
}

impl From<Endpoint> for ServiceId {
    fn from(Endpoint { protocol, address, port }: Endpoint) -> Self {
        Self { protocol: protocol.name().to_owned(), vip: address, port }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        match &self.action {
            Action::Add(properties) => write!(f, "+ {object}{properties}"),
            Action::Remove(properties) => write!(f, "- {object}{properties}"),
            Action::Change { fields } => {
                let fields: Vec<String> = fields.iter().map(Field::to_string).collect();
                write!(f, "~ {object}: {}", fields.join(", "))
            }
        }
    }
}

impl fmt::Display for Properties {
    /// In brackets after a blank, or nothing where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            self.scheduler.clone(),
            self.tracking.as_ref().map(|tracking| format!("tracking {tracking}")),
            self.idle_timeout.map(|seconds| format!("idle timeout {seconds}s")),
            self.name.as_ref().map(|name| format!("name {name:?}")),
            self.weight.map(|weight| format!("weight {weight}")),
            (self.drain == Some(true)).then(|| "drained".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface { interface } => write!(f, "interface {interface}"),
            Self::Service(service) => write!(f, "service {service}"),
            Self::Real { address, service } => write!(f, "real {address} of {service}"),
        }
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, SocketAddr::new(self.vip, self.port))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Option<String>| match name {
            Some(name) => format!("{name:?}"),
            None => "none".to_owned(),
        };
        match self {
            Self::Name { from, to } => write!(f, "name {} -> {}", name(from), name(to)),
            Self::Scheduler { from, to } => write!(f, "scheduler {from} -> {to}"),
            Self::Tracking { from, to } => write!(f, "tracking {from} -> {to}"),
            Self::IdleTimeout { from, to } => write!(f, "idle timeout {from}s -> {to}s"),
            Self::Weight { from, to } => write!(f, "weight {from} -> {to}"),
            Self::Drain { to: true, .. } => f.write_str("drained"),
            Self::Drain { to: false, .. } => f.write_str("no longer drained"),
        }
    }
}
