//! What crosses the socket, as JSON. Pure.

use std::net::IpAddr;

use lb_common::key::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod checked;
mod event;
mod health;
mod request;
mod service;
mod status;
mod sync;
mod trace;
mod vrrp;

pub use crate::config::hex::text as hexadecimal;
pub use checked::{Checked, CheckedReal};
pub use event::{Event, Events};
pub use health::Health;
pub use request::{
    NO_CHECK, NewReal, NewService, PersistenceEdit, RealEdit, ServiceEdit, TimeoutsEdit,
};
pub use service::Service;
pub use status::{
    Checks, ConfigState, ConfigStatus, Interface, Map, ReasonCount, Settling, Status,
};
pub use sync::{Sync, SyncPeer};
pub use trace::TracedPacket;
pub use vrrp::{AddressConflict, Adverts, Vrrp, VrrpInstance, VrrpState};

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
    /// Found dead, or taken out by hand.
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
    /// It was taken out by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// What its check has found, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
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
