//! What is asked for: objects to add, and properties to change.

use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::config::file;
use crate::config::model::{Endpoint, Ports};

/// The type of a check that takes a check off.
pub const NO_CHECK: &str = "none";

/// A service to add.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub vip: IpAddr,
    /// The ports.
    pub port: Ports,
    /// A name for people and metrics.
    #[serde(default)]
    pub name: Option<String>,
    /// The scheduler's LVS name; `mh` where absent.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// What `mh` hashes: `5-tuple` or `source`; `5-tuple` where absent.
    #[serde(default)]
    pub hash: Option<String>,
    /// How long clients stay with their real; where absent, they do not.
    #[serde(default)]
    pub persistence: Option<PersistenceEdit>,
    /// What is remembered of its flows: `changes`, `full` or `none`; where absent, `changes` for
    /// `mh` and `sh` without persistence and with `expire_nodest`, else `full`.
    #[serde(default)]
    pub tracking: Option<String>,
    /// Seconds after its last packet until a flow is forgotten; 900 (TCP) or 60 (UDP) where absent.
    #[serde(default)]
    pub idle_timeout: Option<u32>,
    /// The same for TCP connections that are not established.
    #[serde(default)]
    pub timeouts: Option<TimeoutsEdit>,
    /// Whether the packets of a connection whose real is dead or deleted are scheduled anew, not
    /// dropped; true where absent.
    #[serde(default)]
    pub expire_nodest: Option<bool>,
    /// What happens to packets while all reals are down: `drop` or `pass`; `drop` where absent.
    #[serde(default)]
    pub all_down: Option<String>,
    /// Prefixes of clients that are taken; where there are any, all others are not.
    #[serde(default)]
    pub allow: Option<Vec<String>>,
    /// Prefixes of clients that are not taken.
    #[serde(default)]
    pub deny: Option<Vec<String>>,
    /// The address of a server that takes the connections while none of the reals does.
    #[serde(default)]
    pub sorry_server: Option<String>,
    /// How its reals are checked, as in the definition file; where absent, they are not.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::object")]
    #[schemars(schema_with = "check_or_none")]
    pub check: Option<file::Check>,
    /// Whether a real that fails its check keeps its connections and gets no new ones; false where
    /// absent.
    #[serde(default)]
    pub inhibit_on_failure: Option<bool>,
    /// The weight that the reals which are up must have together; 1 where absent.
    #[serde(default)]
    pub quorum: Option<u32>,
    /// How much more than the quorum brings the service up, and how much less takes it down; 0 where
    /// absent.
    #[serde(default)]
    pub hysteresis: Option<u32>,
    /// How long a real that comes up takes to get its whole share, like `30s`; `0s` where absent.
    #[serde(default)]
    pub slow_start: Option<String>,
    /// A command that is run when a real comes up.
    #[serde(default)]
    pub notify_up: Option<String>,
    /// The same when a real goes down.
    #[serde(default)]
    pub notify_down: Option<String>,
    /// The same when the service comes up.
    #[serde(default)]
    pub quorum_up: Option<String>,
    /// The same when the service goes down.
    #[serde(default)]
    pub quorum_down: Option<String>,
}

impl NewService {
    /// What names the service, and what it is to be like.
    pub fn split(self) -> (Endpoint, ServiceEdit) {
        let endpoint = Endpoint { protocol: self.protocol, address: self.vip, port: self.port };
        let properties = ServiceEdit {
            name: self.name,
            scheduler: self.scheduler,
            hash: self.hash,
            persistence: self.persistence,
            tracking: self.tracking,
            idle_timeout: self.idle_timeout,
            timeouts: self.timeouts,
            expire_nodest: self.expire_nodest,
            all_down: self.all_down,
            allow: self.allow,
            deny: self.deny,
            sorry_server: self.sorry_server,
            check: self.check,
            inhibit_on_failure: self.inhibit_on_failure,
            quorum: self.quorum,
            hysteresis: self.hysteresis,
            slow_start: self.slow_start,
            notify_up: self.notify_up,
            notify_down: self.notify_down,
            quorum_up: self.quorum_up,
            quorum_down: self.quorum_down,
        };
        (endpoint, properties)
    }

    /// The service of this name that is to be like this.
    pub fn join(endpoint: Endpoint, properties: ServiceEdit) -> Self {
        Self {
            protocol: endpoint.protocol,
            vip: endpoint.address,
            port: endpoint.port,
            name: properties.name,
            scheduler: properties.scheduler,
            hash: properties.hash,
            persistence: properties.persistence,
            tracking: properties.tracking,
            idle_timeout: properties.idle_timeout,
            timeouts: properties.timeouts,
            expire_nodest: properties.expire_nodest,
            all_down: properties.all_down,
            allow: properties.allow,
            deny: properties.deny,
            sorry_server: properties.sorry_server,
            check: properties.check,
            inhibit_on_failure: properties.inhibit_on_failure,
            quorum: properties.quorum,
            hysteresis: properties.hysteresis,
            slow_start: properties.slow_start,
            notify_up: properties.notify_up,
            notify_down: properties.notify_down,
            quorum_up: properties.quorum_up,
            quorum_down: properties.quorum_down,
        }
    }
}

/// Properties of a service to change; what is absent stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceEdit {
    /// The new name; an empty one takes the name off.
    #[serde(default)]
    pub name: Option<String>,
    /// The new scheduler.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// What `mh` hashes from now on: `5-tuple` or `source`.
    #[serde(default)]
    pub hash: Option<String>,
    /// How long clients stay with their real; a timeout of 0 takes persistence off.
    #[serde(default)]
    pub persistence: Option<PersistenceEdit>,
    /// What is remembered of its flows from now on: `changes`, `full` or `none`. Where absent, what
    /// was the default goes on to be that.
    #[serde(default)]
    pub tracking: Option<String>,
    /// The new idle timeout, in seconds.
    #[serde(default)]
    pub idle_timeout: Option<u32>,
    /// The same for TCP connections that are not established.
    #[serde(default)]
    pub timeouts: Option<TimeoutsEdit>,
    /// Whether the packets of a connection whose real is dead or deleted are scheduled anew, not
    /// dropped.
    #[serde(default)]
    pub expire_nodest: Option<bool>,
    /// What happens to packets while all reals are down: `drop` or `pass`.
    #[serde(default)]
    pub all_down: Option<String>,
    /// Prefixes of clients that are taken, in place of those before; none for all clients.
    #[serde(default)]
    pub allow: Option<Vec<String>>,
    /// Prefixes of clients that are not taken, in place of those before.
    #[serde(default)]
    pub deny: Option<Vec<String>>,
    /// The address of a server that takes the connections while none of the reals does; `none`
    /// takes it off.
    #[serde(default)]
    pub sorry_server: Option<String>,
    /// How its reals are checked from now on, as in the definition file; an object whose `type` is
    /// `none` takes the check off.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "file::object")]
    #[schemars(schema_with = "check_or_none")]
    pub check: Option<file::Check>,
    /// Whether a real that fails its check keeps its connections and gets no new ones.
    #[serde(default)]
    pub inhibit_on_failure: Option<bool>,
    /// The weight that the reals which are up must have together.
    #[serde(default)]
    pub quorum: Option<u32>,
    /// How much more than the quorum brings the service up, and how much less takes it down.
    #[serde(default)]
    pub hysteresis: Option<u32>,
    /// How long a real that comes up takes to get its whole share, like `30s`; `0s` takes that off.
    #[serde(default)]
    pub slow_start: Option<String>,
    /// A command that is run when a real comes up; an empty one takes it off.
    #[serde(default)]
    pub notify_up: Option<String>,
    /// The same when a real goes down.
    #[serde(default)]
    pub notify_down: Option<String>,
    /// The same when the service comes up.
    #[serde(default)]
    pub quorum_up: Option<String>,
    /// The same when the service goes down.
    #[serde(default)]
    pub quorum_down: Option<String>,
}

/// A check of the definition file, or one that takes a check off.
fn check_or_none(generator: &mut SchemaGenerator) -> Schema {
    let check = generator.subschema_for::<file::Check>();
    let none = json_schema!({
        "type": "object",
        "properties": { "type": { "const": NO_CHECK } },
        "required": ["type"],
        "additionalProperties": false,
    });
    json_schema!({ "anyOf": [check, none] })
}

/// Persistence of a service, whole or in part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersistenceEdit {
    /// Seconds after its last connection that a client may come back to its real; where absent it
    /// stays as it is, and must be known.
    #[serde(default)]
    pub timeout: Option<u32>,
    /// The length of the prefix by which clients are one; where absent it stays as it is, or each
    /// client is one by itself.
    #[serde(default)]
    pub netmask: Option<u8>,
}

/// Seconds after its last packet until a TCP connection is forgotten that is not established; what
/// is absent stays, or is as it is by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeoutsEdit {
    /// After a SYN without more; 60 by default.
    #[serde(default)]
    pub syn: Option<u32>,
    /// After a FIN; 120 by default.
    #[serde(default)]
    pub fin: Option<u32>,
    /// After a RST; 10 by default.
    #[serde(default)]
    pub closed: Option<u32>,
}

/// A real to add.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReal {
    /// Its address.
    pub address: IpAddr,
    /// Its weight; 1 where absent.
    #[serde(default)]
    pub weight: Option<u16>,
}

/// Properties of a real to change; what is absent stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealEdit {
    /// The new weight.
    #[serde(default)]
    pub weight: Option<u16>,
    /// Out of scheduling, or back.
    #[serde(default)]
    pub drained: Option<bool>,
    /// Out altogether, or back.
    #[serde(default)]
    pub disabled: Option<bool>,
}
