//! Virtual routers, as they are listed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_false;
use crate::vrrp::sm::Role;

/// Virtual routers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Vrrp {
    /// In the order of the definitions.
    pub instances: Vec<VrrpInstance>,
}

/// What a virtual router does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VrrpState {
    /// It does not take part.
    Init,
    /// It listens to the master.
    Backup,
    /// It has the addresses.
    Master,
    /// It cannot take part.
    Fault,
}

impl VrrpState {
    /// The word of tables, as keepalived's users know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }
}

impl From<Role> for VrrpState {
    fn from(role: Role) -> Self {
        match role {
            Role::Init => Self::Init,
            Role::Backup => Self::Backup,
            Role::Master => Self::Master,
            Role::Fault => Self::Fault,
        }
    }
}

/// A virtual router.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VrrpInstance {
    /// What it is called.
    pub name: String,
    /// The interface that adverts are sent and heard on.
    pub interface: String,
    /// Its number.
    pub vrid: u8,
    /// The version of VRRP: 2 or 3.
    pub version: u8,
    /// Its group, where it is in one.
    pub group: Option<String>,
    /// What it does.
    pub state: VrrpState,
    /// Why, in words.
    pub reason: String,
    /// Since when it does that (RFC 3339), to the second.
    pub since: String,
    /// How many seconds ago that began.
    pub age: u64,
    /// The priority that it takes part with.
    pub priority: u8,
    /// The priority that it is defined with: what it follows may have changed it.
    pub defined_priority: u8,
    /// The time between two adverts of its own, in milliseconds.
    pub advert_interval: u64,
    /// Whether it may take over from a master of lower priority.
    pub preempt: bool,
    /// The addresses that move, with their prefixes: those of the adverts first.
    pub addresses: Vec<String>,
    /// Whether this director has them.
    pub holds: bool,
    /// It was handed over, and not resumed: it takes part with the lowest priority.
    #[serde(default, skip_serializing_if = "is_false")]
    pub handed_over: bool,
    /// Where its adverts come from, where that is known.
    pub source: Option<IpAddr>,
    /// Who is master, where that is known: the source of its adverts.
    pub master: Option<IpAddr>,
    /// With what priority.
    pub master_priority: Option<u8>,
    /// Adverts.
    pub adverts: Adverts,
    /// How often it has come into each state since the daemon started.
    pub transitions: BTreeMap<String, u64>,
    /// Who else was heard to have its addresses while this director had them: the last 16.
    pub conflicts: Vec<AddressConflict>,
}

/// Adverts since the daemon started.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Adverts {
    /// Those that were sent.
    pub sent: u64,
    /// Others' that were good.
    pub received: u64,
    /// Others' that were good, with other addresses than the defined ones.
    pub differing: u64,
    /// Others' that were not taken, by what was wrong with them.
    pub rejected: BTreeMap<String, u64>,
    /// Others' that were good, by what their checksum covered: `pseudo-header`, or `message` alone.
    pub checksum: BTreeMap<String, u64>,
}

/// Somebody else who has an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddressConflict {
    /// The address.
    pub address: IpAddr,
    /// The other one's MAC.
    pub mac: String,
    /// The interface where it was heard.
    pub interface: String,
    /// How often.
    pub count: u64,
    /// How many seconds ago it was heard last.
    pub age: u64,
}
