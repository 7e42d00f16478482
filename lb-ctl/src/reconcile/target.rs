//! What the maps should hold. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_common::value::{Mac, Ticks, Tracking};

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
}

/// A real as the packet path should see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TargetReal {
    /// Its address.
    pub address: IpAddr,
    /// Its share of new connections; 0 takes none.
    pub weight: u16,
    /// How to reach it; `None` while that is not known.
    pub hop: Option<NextHop>,
}

/// A service as the packet path should see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetService {
    /// What names it.
    pub endpoint: Endpoint,
    /// What is remembered of its flows.
    pub tracking: Tracking,
    /// How long a flow outlives its last packet.
    pub idle: Ticks,
    /// Its reals.
    pub reals: Vec<TargetReal>,
}

/// All that the maps should hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// The services.
    pub services: Vec<TargetService>,
    /// Interfaces that packets come in by, with their MACs.
    pub ingress: BTreeMap<u32, Mac>,
}
