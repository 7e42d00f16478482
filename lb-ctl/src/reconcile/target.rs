//! What the maps should hold. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use lb_common::details::Picking;
use lb_common::timeout::Timeouts;
use lb_common::value::{Mac, Ticks, Tracking};
use lb_common::vlan::Tags;

use crate::config::model::Endpoint;

/// The last step to a real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NextHop {
    /// The interface towards it.
    pub ifindex: u32,
    /// Its MAC.
    pub mac: Mac,
    /// The director's MAC on that interface.
    pub source: Mac,
    /// The VLAN tags of frames to it.
    pub tags: Tags,
}

/// How a real is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It is this machine.
    Local,
    /// By a frame to it.
    Hop(NextHop),
}

impl Way {
    /// The hop, where there is one.
    pub const fn hop(self) -> Option<NextHop> {
        match self {
            Self::Local => None,
            Self::Hop(hop) => Some(hop),
        }
    }
}

/// A real as the packet path should see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TargetReal {
    /// Its address.
    pub address: IpAddr,
    /// Its share of new connections; 0 takes none.
    pub weight: u16,
    /// How to reach it; `None` while that is not known.
    pub way: Option<Way>,
    /// It stands in while no other takes connections.
    pub sorry: bool,
    /// It is not known to be well, which is noted for the next daemon.
    pub down: bool,
}

/// How new connections are given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scheduling {
    /// How a real is picked.
    pub picking: Picking,
    /// Whether the weights of reals count only as zero or not.
    pub equal_weights: bool,
    /// Whether the hash is one of the client's address alone.
    pub hash_source: bool,
}

/// How long clients stay with a real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Persistence {
    /// How long.
    pub timeout: Ticks,
    /// What clients that stay together have in common: the length of their prefix.
    pub prefix: u8,
}

/// Which clients are served.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceLists {
    /// What is said of each prefix: see [`lb_common::wide::source`].
    pub prefixes: BTreeMap<IpNet, u32>,
    /// Whether clients in none of them are denied.
    pub deny_others: bool,
}

/// A service as the packet path should see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetService {
    /// What names it.
    pub endpoint: Endpoint,
    /// How new connections are given out.
    pub scheduling: Scheduling,
    /// What is remembered of its flows.
    pub tracking: Tracking,
    /// How long.
    pub timeouts: Timeouts,
    /// Whether clients stay with a real.
    pub persistence: Option<Persistence>,
    /// The packets of connections whose reals are gone are dropped.
    pub keep_dead: bool,
    /// Packets are passed on while no real can take them.
    pub pass_when_down: bool,
    /// Which clients are served.
    pub sources: SourceLists,
    /// Its reals, and who stands in for them.
    pub reals: Vec<TargetReal>,
}

impl TargetService {
    /// A service with the defaults of the packet path, and without reals.
    pub fn new(endpoint: Endpoint, tracking: Tracking, idle: Ticks) -> Self {
        Self {
            endpoint,
            scheduling: Scheduling::default(),
            tracking,
            timeouts: Timeouts::with_idle(idle),
            persistence: None,
            keep_dead: false,
            pass_when_down: false,
            sources: SourceLists::default(),
            reals: Vec::new(),
        }
    }
}

/// All that the maps should hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// The services.
    pub services: Vec<TargetService>,
    /// Interfaces that packets come in by, with their MACs.
    pub ingress: BTreeMap<u32, Mac>,
    /// MACs of virtual routers, for which packets may come in as well.
    pub virtual_macs: BTreeSet<Mac>,
}
