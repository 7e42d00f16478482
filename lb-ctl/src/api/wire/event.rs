//! Events of the daemon.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::event::{self, EventKind};
use crate::instant::rfc3339;

/// An event. Where events are followed, one JSON object a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its number; each has a greater one than those before, since the daemon started.
    pub seq: u64,
    /// When it was noted: UTC as in `2026-11-21T14:03:17.123456Z`.
    pub at: String,
    /// What kind it is.
    pub kind: EventKind,
    /// The service it happened to, as in `tcp 192.0.2.10:80`; null where it is none.
    pub service: Option<String>,
    /// The service's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The real it happened to; null where it is none.
    pub real: Option<IpAddr>,
    /// Why, or what is new, in words.
    pub message: String,
    /// How many events before this one, of all services, are not told of, because they came faster
    /// than they were read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

impl From<&event::Event> for Event {
    fn from(event: &event::Event) -> Self {
        let event::Event { seq, at, what } = event;
        let service = what.service.as_ref();
        Self {
            seq: *seq,
            at: rfc3339(*at),
            kind: what.kind,
            service: service.map(|service| service.endpoint.to_string()),
            name: service.and_then(|service| service.name.clone()),
            real: what.real,
            message: what.message.clone(),
            missed: 0,
        }
    }
}

/// Events, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    /// At most the last 10,000 since the daemon started.
    pub events: Vec<Event>,
}
