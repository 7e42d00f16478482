//! The validated desired state. Pure; whatever stands here can be put on the data plane as it is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use indexmap::IndexMap;
use lb_common::key::Protocol;
use lb_common::timeout;
pub use lb_common::value::Tracking;

/// What names a service: protocol, VIP and port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Endpoint {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub address: IpAddr,
    /// The port, never zero.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    /// As in messages: `tcp 192.0.2.10:80`, `udp [2001:db8::10]:53`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, address, port } = *self;
        write!(f, "{} {}", protocol.name(), SocketAddr::new(address, port))
    }
}

/// How a service picks a real for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Scheduler {
    /// Maglev hashing over the 5-tuple.
    #[default]
    Mh,
}

impl Scheduler {
    /// Its LVS name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
        }
    }
}

/// The weight of a real for which none is given.
pub const DEFAULT_WEIGHT: u16 = 1;

/// A real server of one service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Real {
    /// Share of new connections relative to the other reals; 0 takes none.
    pub weight: u16,
    /// Taken out of scheduling by hand, with its weight remembered.
    pub drained: bool,
}

impl Real {
    /// A real with a weight, not drained.
    pub const fn new(weight: u16) -> Self {
        Self { weight, drained: false }
    }

    /// The weight that counts: 0 while drained.
    pub const fn effective_weight(self) -> u16 {
        if self.drained { 0 } else { self.weight }
    }
}

/// A service and its reals, in the order they were given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// What names it.
    pub endpoint: Endpoint,
    /// A name for people and metrics.
    pub name: Option<String>,
    /// How reals are picked.
    pub scheduler: Scheduler,
    /// What is remembered of its flows.
    pub tracking: Tracking,
    /// Seconds after its last packet until a flow is forgotten.
    pub idle_timeout: u32,
    /// Its reals by address, all of the VIP's family.
    pub reals: IndexMap<IpAddr, Real>,
}

impl Service {
    /// A service with the defaults of its protocol, without a name and without reals.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            name: None,
            scheduler: Scheduler::default(),
            tracking: Tracking::default(),
            idle_timeout: timeout::default_idle_secs(endpoint.protocol),
            reals: IndexMap::new(),
        }
    }
}

/// All that is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Desired {
    /// Interfaces to attach to, in addition to those of the command line.
    pub interfaces: Vec<String>,
    /// Services by endpoint, in the order they were given.
    pub services: IndexMap<Endpoint, Service>,
}
