//! What virtual routers want done, how they stand, and what is known of interfaces. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use crate::config::vrrp::{Group, Instance};
use crate::vrrp::sm::Role;

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// By, or about, a virtual router.
    Router(Arc<Instance>, Act),
    /// A group's state has changed.
    Group {
        /// What it is called.
        group: Arc<Group>,
        /// Its state.
        role: Role,
    },
}

/// What a virtual router does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// It sends an advert with this priority.
    Advertise {
        /// 0 for "I leave".
        priority: u8,
    },
    /// Its addresses are to be on their interfaces: exactly those that it has now.
    Hold,
    /// It is told where its addresses are, and asked whether somebody else has them.
    Announce {
        /// How often each is told of.
        repeat: u8,
    },
    /// Its addresses are to be off.
    Release,
    /// Its state has changed.
    Changed {
        /// What it was.
        from: Role,
        /// What it is.
        to: Role,
        /// Its priority.
        priority: u8,
        /// Why, in words.
        why: String,
    },
}

/// An interface, as far as virtual routers care.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InterfaceState {
    /// It is switched on and has a carrier.
    pub up: bool,
    /// Its first address that does not move.
    pub ipv4: Option<Ipv4Addr>,
    /// Its link-local address, ready for use.
    pub link_local: Option<Ipv6Addr>,
}

/// How a virtual router stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// What it is told to be.
    pub instance: Arc<Instance>,
    /// Its group.
    pub group: Option<String>,
    /// What it does.
    pub role: Role,
    /// Since when.
    pub since: Instant,
    /// Why, in words.
    pub why: String,
    /// The priority that it takes part with.
    pub priority: u8,
    /// Where its adverts come from, where that is known.
    pub source: Option<IpAddr>,
    /// It was handed over.
    pub handed_over: bool,
    /// It has the addresses.
    pub holds: bool,
    /// Where the last good advert came from, and its priority.
    pub heard: Option<(IpAddr, u8)>,
}
