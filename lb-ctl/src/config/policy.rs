//! What a service does with its clients and connections, beside scheduling them.

use std::fmt;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What of a packet is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Hash {
    /// Addresses, ports and protocol: a client's connections are spread.
    #[default]
    Tuple,
    /// The client's address: all its connections go to one real.
    Source,
}

impl Hash {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tuple, Self::Source];

    /// The word used in definitions and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuple => "5-tuple",
            Self::Source => "source",
        }
    }
}

/// How long a client stays with the real it was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Persistence {
    /// Seconds after the client's last connection until it may be given another real.
    pub timeout: u32,
    /// Length of the prefix by which clients are one: 32 (IPv4) or 128 (IPv6) tells each from the
    /// others.
    #[serde(rename = "netmask")]
    pub prefix: u8,
}

impl Persistence {
    /// The timeout where none is given, in seconds, as with ipvsadm.
    pub const DEFAULT_TIMEOUT: u32 = 300;
}

impl fmt::Display for Persistence {
    /// As in messages: `300s /24`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s /{}", self.timeout, self.prefix)
    }
}

/// Seconds after its last packet until a TCP connection is forgotten that is not established.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Timeouts {
    /// After a SYN without more.
    pub syn: u32,
    /// After a FIN.
    pub fin: u32,
    /// After a RST.
    pub closed: u32,
}

impl Default for Timeouts {
    /// Those of IPVS (`tcp_timeouts` in the kernel's `ip_vs_proto_tcp.c`).
    fn default() -> Self {
        Self { syn: 60, fin: 120, closed: 10 }
    }
}

/// What happens to packets for a service all of whose reals are down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum AllDown {
    /// They are dropped.
    #[default]
    Drop,
    /// They are passed to the director's own stack.
    Pass,
}

impl AllDown {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Drop, Self::Pass];

    /// The word used in definitions and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Pass => "pass",
        }
    }
}

/// Which clients a service takes. The longest prefix that a client lies in decides; one that lies in
/// none is taken unless there is a list of those allowed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Sources {
    /// Clients that are taken; where there are any, all others are not.
    pub allow: Vec<IpNet>,
    /// Clients that are not taken.
    pub deny: Vec<IpNet>,
}

impl Sources {
    /// How many prefixes there are.
    pub const fn len(&self) -> usize {
        self.allow.len() + self.deny.len()
    }

    /// Whether every client is taken.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
