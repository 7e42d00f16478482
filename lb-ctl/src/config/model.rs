//! The validated desired state. Pure; whatever stands here can be put on the data plane as it is.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use indexmap::IndexMap;
use lb_common::key::Protocol;
use lb_common::timeout;
pub use lb_common::value::Tracking;

pub use super::check::Check;
pub use super::notify::{Hooks, Notify};
pub use super::policy::{AllDown, Hash, Persistence, Sources, Timeouts};
pub use super::ports::Ports;
pub use super::scheduler::Scheduler;
pub use super::vrrp::Vrrp;

/// What names a service: protocol, VIP and port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Endpoint {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The virtual address.
    pub address: IpAddr,
    /// The ports.
    pub port: Ports,
}

impl Endpoint {
    /// Whether a packet could be meant for both with equal right.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.address == other.address
            && self.port.overlaps(&other.port)
    }
}

impl fmt::Display for Endpoint {
    /// As in messages: `tcp 192.0.2.10:8000-8100`, `udp [2001:db8::10]:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, address, port } = *self;
        write!(f, "{} {}", protocol.name(), port.at(address))
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
    /// Taken out altogether by hand: no packet goes to it, and it is not checked.
    pub disabled: bool,
}

impl Real {
    /// A real with a weight, not drained.
    pub const fn new(weight: u16) -> Self {
        Self { weight, drained: false, disabled: false }
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
    /// What of a packet `mh` hashes.
    pub hash: Hash,
    /// Whether and how long clients stay with their real.
    pub persistence: Option<Persistence>,
    /// What is remembered of its flows.
    pub tracking: Tracking,
    /// Seconds after its last packet until a flow is forgotten.
    pub idle_timeout: u32,
    /// How long connections are remembered that are not established.
    pub timeouts: Timeouts,
    /// Whether the packets of a connection whose real is dead or deleted are scheduled anew;
    /// otherwise they are dropped until the connection is forgotten.
    pub expire_nodest: bool,
    /// What happens while all its reals are down.
    pub all_down: AllDown,
    /// Which clients it takes.
    pub sources: Sources,
    /// Takes the connections while none of the reals does.
    pub sorry_server: Option<IpAddr>,
    /// How its reals are checked; one that is not checked is taken to be up.
    pub check: Option<Check>,
    /// A real that fails its check gets no new connections and keeps those it has; otherwise it is
    /// taken out.
    pub inhibit_on_failure: bool,
    /// The weight that the reals which are up must have together for the service to be up.
    pub quorum: u32,
    /// By how much more than the quorum the service comes up, and by how much less it goes down.
    pub hysteresis: u32,
    /// How long a real that comes up takes to get its whole share; zero for at once.
    pub slow_start: Duration,
    /// Commands that are run when reals come and go.
    pub hooks: Hooks,
    /// Its reals by address, all of the VIP's family.
    pub reals: IndexMap<IpAddr, Real>,
}

impl Service {
    /// What is remembered where nothing is said of it: all that is needed to keep connections with
    /// their reals.
    pub const fn default_tracking(&self) -> Tracking {
        if self.scheduler.is_hashing() && self.persistence.is_none() && self.expire_nodest {
            Tracking::Changes
        } else {
            Tracking::Full
        }
    }

    /// A service with the defaults of its protocol, without a name and without reals.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            name: None,
            scheduler: Scheduler::default(),
            hash: Hash::default(),
            persistence: None,
            tracking: Tracking::default(),
            idle_timeout: timeout::default_idle_secs(endpoint.protocol),
            timeouts: Timeouts::default(),
            expire_nodest: true,
            all_down: AllDown::default(),
            sources: Sources::default(),
            sorry_server: None,
            check: None,
            inhibit_on_failure: false,
            quorum: 1,
            hysteresis: 0,
            slow_start: Duration::ZERO,
            hooks: Hooks::default(),
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
    /// Who is told of what happens, and how commands are run.
    pub notify: Notify,
    /// The addresses that move between directors.
    pub vrrp: Vrrp,
}
