//! Events of the daemon.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::event::{self, EventKind, RouterName};
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
    /// The virtual router it happened to, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The group of virtual routers it happened to, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
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
        let (instance, group) = match &what.router {
            Some(RouterName::Instance(name)) => (Some(name.clone()), None),
            Some(RouterName::Group(name)) => (None, Some(name.clone())),
            None => (None, None),
        };
        Self {
            seq: *seq,
            at: rfc3339(*at),
            kind: what.kind,
            service: service.map(|service| service.endpoint.to_string()),
            name: service.and_then(|service| service.name.clone()),
            real: what.real,
            instance,
            group,
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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::{Value, json};

    use super::*;
    use crate::event::Happening;

    fn object(router: Option<RouterName>) -> Value {
        let what = Happening { router, ..Happening::new(EventKind::VrrpMaster, "") };
        serde_json::to_value(Event::from(&event::Event { seq: 1, at: UNIX_EPOCH, what })).unwrap()
    }

    #[test]
    fn virtual_routers_and_groups_are_told_apart_by_their_keys() {
        let instance = object(Some(RouterName::Instance("VI_1".to_owned())));
        assert_eq!((&instance["instance"], &instance["service"]), (&json!("VI_1"), &Value::Null));
        assert!(instance.get("group").is_none());
        let group = object(Some(RouterName::Group("VG".to_owned())));
        assert_eq!((&group["group"], group.get("instance")), (&json!("VG"), None));
        let other = object(None);
        assert!(other.get("instance").is_none() && other.get("group").is_none(), "{other}");
    }
}
