//! The words for what a service cannot ask for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use lb_common::limits::DEFAULT_SOURCES;

use super::{MAX_SECS, full_prefix};
use crate::config::duration::DurationError;
use crate::config::model::{Endpoint, Scheduler, Tracking};

/// What a service cannot ask for, why, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum PolicyError {
    /// A scheduler that nobody knows.
    #[error("scheduler {word:?} is unknown: use mh, rr, wrr, lc, wlc, sh, sed or nq")]
    UnknownScheduler { word: String },
    /// A hash that nobody knows.
    #[error("hash {word:?} is unknown: use \"5-tuple\" or \"source\"")]
    UnknownHash { word: String },
    /// A way of tracking that nobody knows.
    #[error("tracking {word:?} is unknown: use \"changes\", \"full\" or \"none\"")]
    UnknownTracking { word: String },
    /// Something else than dropping or passing.
    #[error("all-down {word:?} is unknown: use \"drop\" or \"pass\"")]
    UnknownAllDown { word: String },
    /// Neither yes nor no.
    #[error("expire-nodest {word:?} is unknown: use \"true\" or \"false\"")]
    UnknownNodest { word: String },
    /// Not a duration.
    #[error("{what} {source}")]
    TimeForm { what: Time, source: DurationError },
    /// Too short or too long.
    #[error("{what} {seconds}s is outside 1s to {MAX_SECS}s (13 days)")]
    TimeRange { what: Time, seconds: u64 },
    /// No prefix has this length.
    #[error("netmask {number} is outside 1 to 32 (IPv4) or 128 (IPv6): give a prefix length")]
    NetmaskNumber { number: i128 },
    /// No prefix of the family has this length.
    #[error("netmask {length} is outside 1 to {}, which the VIP {vip} allows", full_prefix(*vip))]
    NetmaskLength { length: u8, vip: IpAddr },
    /// A mask that does not mean a prefix.
    #[error("netmask {mask} is not of ones and then zeros: write it like 255.255.255.0 or 24")]
    NetmaskHoles { mask: Ipv4Addr },
    /// An IPv4 mask where there is no IPv4.
    #[error("netmask {mask} is IPv4 and the VIP {vip} is IPv6: give a prefix length, like 64")]
    NetmaskDotted { mask: Ipv4Addr, vip: IpAddr },
    /// Neither a mask nor a length.
    #[error("netmask {text:?} is not understood: write it like 255.255.255.0 or 24, for IPv6 64")]
    NetmaskForm { text: String },
    /// A mask without persistence.
    #[error(
        "a netmask belongs to persistence, which service {service} does not have: give its timeout \
         too, like -p 300"
    )]
    NetmaskAlone { service: Endpoint },
    /// A hash that is not asked for.
    #[error(
        "scheduler {} does not choose what it hashes, only mh does: leave the hash out{}",
        scheduler.name(),
        instead(*scheduler)
    )]
    HashScheduler { scheduler: Scheduler },
    /// `sh` sends a client to one real anyway.
    #[error(
        "scheduler sh has no persistence, since the client's address says the real already: leave \
         the persistence out (-p 0 takes it off), or use another scheduler"
    )]
    PersistenceSh,
    /// Templates are made when a connection is.
    #[error(
        "persistence needs tracking full, and tracking {} is asked for: leave the tracking out, or \
         the persistence (-p 0 takes it off)",
        tracking.name()
    )]
    PersistenceTracking { tracking: Tracking },
    /// What is dropped must have been remembered.
    #[error(
        "expire_nodest false needs tracking full, since only remembered connections can be told \
         from new ones, and tracking {} is asked for: leave one of the two out",
        tracking.name()
    )]
    NodestTracking { tracking: Tracking },
    /// What these pick cannot be found again by hashing.
    #[error(
        "scheduler {} needs tracking full, since the packet does not say what it picked, and \
         tracking {} is asked for: leave the tracking out, or use mh or sh",
        scheduler.name(),
        tracking.name()
    )]
    SchedulerTracking { scheduler: Scheduler, tracking: Tracking },
    /// Not a prefix.
    #[error("{text:?} is not a prefix: write it like 198.51.100.0/24 or 2001:db8:1::/48")]
    PrefixForm { text: String },
    /// Which of two prefixes is meant cannot be told.
    #[error("{prefix} has bits behind its prefix length: write {meant}, if that is meant")]
    HostBits { prefix: IpNet, meant: IpNet },
    /// Clients of another family never come.
    #[error("{prefix} is not of the family of the VIP {vip}, so no client lies in it: take it out")]
    PrefixFamily { prefix: IpNet, vip: IpAddr },
    /// Twice in one list.
    #[error("{prefix} stands in {list} already: keep one of the two")]
    DuplicatePrefix { prefix: IpNet, list: List },
    /// Allowed and denied.
    #[error("{prefix} is both allowed and denied: keep one of the two")]
    AllowedAndDenied { prefix: IpNet },
    /// More than the maps hold.
    #[error(
        "there are {count} prefixes of sources, those of all services together, and there is room \
         for {DEFAULT_SOURCES}: use fewer, or shorter ones that cover several"
    )]
    TooManyPrefixes { count: usize },
    /// A sorry server that is asked for already.
    #[error(
        "sorry server {address} is a real of its own service: give a server that is not, or take \
         the real out"
    )]
    SorryIsReal { address: IpAddr },
    /// A sorry server whose address the director takes for itself.
    #[error(
        "sorry server {address} of service {sorry_of} is the VIP of service {service}: the director \
         holds its VIPs itself, so give the server's own address"
    )]
    SorryIsVip { address: IpAddr, sorry_of: Endpoint, service: Endpoint },
}

const fn instead(scheduler: Scheduler) -> &'static str {
    match scheduler {
        Scheduler::Sh => ", it hashes the client's address",
        _ => "",
    }
}

/// What a time is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// See [`Service::idle_timeout`](crate::config::model::Service::idle_timeout).
    Idle,
    /// See [`Timeouts::syn`](crate::config::model::Timeouts::syn).
    Syn,
    /// See [`Timeouts::fin`](crate::config::model::Timeouts::fin).
    Fin,
    /// See [`Timeouts::closed`](crate::config::model::Timeouts::closed).
    Closed,
    /// See [`Persistence::timeout`](crate::config::model::Persistence::timeout).
    Persistence,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle timeout",
            Self::Syn => "SYN timeout",
            Self::Fin => "FIN timeout",
            Self::Closed => "closed timeout",
            Self::Persistence => "persistence timeout",
        })
    }
}

/// A list of prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum List {
    /// Clients that are taken.
    Allow,
    /// Clients that are not.
    Deny,
}

impl List {
    /// Its key in a definition.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
