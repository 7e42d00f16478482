//! A service as it is listed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Real, Stats};
use crate::config::hook::HookCommand;
use crate::config::model::{self, Persistence, Ports, Scheduler, Timeouts};
use crate::config::{duration, file};

/// A service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub vip: IpAddr,
    /// The ports.
    pub port: Ports,
    /// The scheduler's LVS name.
    pub scheduler: String,
    /// `5-tuple` or `source`: what `mh` hashes; no other scheduler has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// How long clients stay with their real, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// `changes`, `full` or `none`: what is remembered of its flows.
    pub tracking: String,
    /// Seconds after its last packet until a flow is forgotten.
    pub idle_timeout: u32,
    /// The same for TCP connections that are not established.
    pub timeouts: Timeouts,
    /// Whether the packets of a connection whose real is dead or deleted are scheduled anew, not
    /// dropped.
    pub expire_nodest: bool,
    /// `drop` or `pass`: what happens to packets while all reals are down.
    pub all_down: String,
    /// Prefixes of clients that are taken; where there are any, all others are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Prefixes of clients that are not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Takes the connections while none of the reals does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<IpAddr>,
    /// How its reals are checked, as in the definition file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<file::Check>,
    /// Whether a real that fails its check keeps its connections and gets no new ones.
    pub inhibit_on_failure: bool,
    /// The weight that the reals which are up must have together.
    pub quorum: u32,
    /// How much more than the quorum brings the service up, and how much less takes it down.
    pub hysteresis: u32,
    /// How long a real that comes up takes to get its whole share.
    pub slow_start: String,
    /// The command that is run when a real comes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_up: Option<String>,
    /// The same when a real goes down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_down: Option<String>,
    /// The same when the service comes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum_up: Option<String>,
    /// The same when the service goes down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum_down: Option<String>,
    /// Its counters.
    pub stats: Stats,
    /// How many of its packets were not forwarded, by reason, since the service was added or the
    /// counters were set to zero; reasons that none had are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
    /// Its reals.
    pub reals: Vec<Real>,
}

impl From<&model::Service> for Service {
    /// A service as it is defined, with nothing counted and without its reals.
    fn from(service: &model::Service) -> Self {
        let command = |command: Option<&HookCommand>| command.map(ToString::to_string);
        let texts = |prefixes: &[ipnet::IpNet]| prefixes.iter().map(ToString::to_string).collect();
        Self {
            name: service.name.clone(),
            protocol: service.endpoint.protocol,
            vip: service.endpoint.address,
            port: service.endpoint.port,
            scheduler: service.scheduler.name().to_owned(),
            hash: (service.scheduler == Scheduler::Mh).then(|| service.hash.name().to_owned()),
            persistence: service.persistence,
            tracking: service.tracking.name().to_owned(),
            idle_timeout: service.idle_timeout,
            timeouts: service.timeouts,
            expire_nodest: service.expire_nodest,
            all_down: service.all_down.name().to_owned(),
            allow: texts(&service.sources.allow),
            deny: texts(&service.sources.deny),
            sorry_server: service.sorry_server,
            check: service.check.as_ref().map(file::Check::from),
            inhibit_on_failure: service.inhibit_on_failure,
            quorum: service.quorum,
            hysteresis: service.hysteresis,
            slow_start: duration::written(service.slow_start),
            notify_up: command(service.hooks.up.as_ref()),
            notify_down: command(service.hooks.down.as_ref()),
            quorum_up: command(service.hooks.quorum_up.as_ref()),
            quorum_down: command(service.hooks.quorum_down.as_ref()),
            stats: Stats::default(),
            refused: BTreeMap::new(),
            reals: Vec::new(),
        }
    }
}
