//! The state of the daemon.

use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sync, VrrpInstance, is_false};
use crate::config::ports::Ports;

/// An interface the program is meant to be attached to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its index, while it is there.
    pub ifindex: Option<u32>,
    /// It is there, switched on, and has a carrier.
    pub up: bool,
    /// `native` or `generic` while the program is attached.
    pub mode: Option<String>,
    /// Why this mode, or why the program is not attached.
    pub reason: String,
    /// The kernel's id of the link, while attached.
    pub link_id: Option<u32>,
    /// VIPs that lb-ctl holds on it.
    pub vips: Vec<IpAddr>,
}

/// A map and its fill.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Map {
    /// Its name.
    pub name: String,
    /// Entries in use.
    pub entries: u64,
    /// Entries it can hold.
    pub capacity: u64,
    /// Bytes that the kernel has set aside for it, with what it holds.
    pub bytes: u64,
}

/// How many packets left the program for one reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReasonCount {
    /// `tx`, `redirect`, `pass` or `drop`.
    pub verdict: String,
    /// The reason.
    pub reason: String,
    /// Packets.
    pub packets: u64,
}

/// The definition file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConfigStatus {
    /// Its path.
    pub path: String,
    /// Whether the running state is what the file says.
    pub state: ConfigState,
    /// What is wrong with the file, with line and column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The definition file beside the running state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigState {
    /// They agree.
    InSync,
    /// The file does not exist; the first change writes it.
    Missing,
    /// The file was edited since it was read; `reload` takes it.
    ChangedByHand,
    /// The file cannot be used; the last good state runs on.
    Stale,
}

/// The state of the daemon.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime: u64,
    /// Whether it took up what an earlier daemon had left pinned.
    pub adopted: bool,
    /// Where program, links and maps are pinned.
    pub pin_dir: String,
    /// The kernel's id of the XDP program on the interfaces.
    pub program_id: u32,
    /// Packets are being traced: it is the program that tells of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tracing: bool,
    /// The definition file.
    pub config: ConfigStatus,
    /// Services defined.
    pub services: u64,
    /// Reals of all services.
    pub reals: u64,
    /// Reals that can take traffic.
    pub reals_up: u64,
    /// The interfaces.
    pub interfaces: Vec<Interface>,
    /// The maps.
    pub maps: Vec<Map>,
    /// Services whose rings have changed and are not at rest yet.
    pub settling: Vec<Settling>,
    /// How the reals' checks stand.
    #[serde(default)]
    pub checks: Checks,
    /// The virtual routers.
    #[serde(default)]
    pub vrrp: Vec<VrrpInstance>,
    /// What passes between this director and others; absent where the definitions name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
    /// How packets left the program.
    pub packets: Vec<ReasonCount>,
}

/// The reals that are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// How many there are.
    pub running: u64,
    /// How many passed.
    pub up: u64,
    /// How many failed.
    pub down: u64,
    /// How many are not known yet.
    pub unknown: u64,
    /// The longest that a probe has begun after its time, in microseconds.
    pub worst_lateness: u64,
}

/// A service whose ring has changed: flows from before stay where they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Settling {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub vip: IpAddr,
    /// The ports.
    pub port: Ports,
    /// Slots of its ring.
    pub slots: u64,
    /// Slots that wait until every flow from before has shown itself.
    pub unsettled: u64,
    /// Slots of which recorded flows may be elsewhere.
    pub marked: u64,
    /// Packets, since the service was added, of flows that came too fast to be recorded. They stay
    /// where they were before the change, and put its end off.
    pub deferred: u64,
}
