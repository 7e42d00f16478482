//! What crosses the socket, as JSON. Pure.

use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ports::Ports;

mod request;
mod service;
mod trace;

pub use request::{NewReal, NewService, PersistenceEdit, RealEdit, ServiceEdit, TimeoutsEdit};
pub use service::Service;
pub use trace::{TracedPacket, hexadecimal};

/// Counters of a service or a real since they were last set to zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Connections begun; UDP flows only where every flow is tracked.
    pub connections: u64,
    /// Packets from clients.
    pub packets: u64,
    /// Bytes from clients, counted from the IP header on.
    pub bytes: u64,
}

/// What a real is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealState {
    /// Takes new connections.
    Up,
    /// Found dead.
    Down,
    /// Keeps its connections, takes no new ones.
    Drain,
    /// Its MAC is not known: gets no traffic.
    Unresolved,
}

impl RealState {
    /// The word of the list.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Drain => "drain",
            Self::Unresolved => "unresolved",
        }
    }
}

/// A real of a service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Real {
    /// Its address.
    pub address: IpAddr,
    /// Its configured weight.
    pub weight: u16,
    /// What it is doing.
    pub state: RealState,
    /// Why it is not up, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its MAC, where it is known.
    pub mac: Option<String>,
    /// The director's interface towards it, where it is known.
    pub interface: Option<String>,
    /// Established TCP connections.
    pub active_connections: u64,
    /// Other tracked connections: opening, closing, UDP. 0 where they are estimated.
    pub inactive_connections: u64,
    /// Not all of its connections stand in a table: the active ones are those begun less those
    /// that the client ended, since the counters were last set to zero.
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
    /// It had slots of the ring that a change has given to others: flows from before, which nothing
    /// has recorded yet, may still go to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub settling: bool,
    /// Its counters.
    pub stats: Stats,
}

/// Services and reals.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// In the order of the definitions.
    pub services: Vec<Service>,
}

/// A tracked connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// `SYN_RECV`, `ESTABLISHED`, `FIN_WAIT`, `CLOSE`, `UDP`: the words of ipvsadm.
    pub state: String,
    /// Seconds until it is forgotten if no packet comes.
    pub expires: u64,
    /// The client's address.
    pub client: IpAddr,
    /// The client's port.
    pub client_port: u16,
    /// The virtual address.
    pub vip: IpAddr,
    /// The service's port.
    pub port: u16,
    /// The real that owns it.
    pub real: IpAddr,
}

/// The tracked connections.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// In no order.
    pub connections: Vec<Connection>,
}

/// What a command changed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// One line each, beginning with `+`, `-` or `~`; empty where nothing had to change.
    pub changes: Vec<String>,
}

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
    /// How packets left the program.
    pub packets: Vec<ReasonCount>,
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

/// What kind of failure an [`Error`] tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// Refused by validation; nothing changed. HTTP status 422.
    Refused,
    /// The object is not there. HTTP status 404.
    NotFound,
    /// The object is there already. HTTP status 409.
    Exists,
    /// The system did not let it happen. HTTP status 500.
    Failed,
}

/// The body of every answer that is not a success.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What failed, on which object, why, and what to do about it.
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
