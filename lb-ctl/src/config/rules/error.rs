//! The words for a broken rule.

use std::fmt;
use std::net::IpAddr;

use super::MAX_IDLE_SECS;
use crate::config::duration::DurationError;
use crate::config::model::Endpoint;

/// A rule that is broken, by what, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum RuleError {
    /// Not an address at all.
    #[error("{role} {text:?} is not an IPv4 or IPv6 address: {hint}")]
    NotAnAddress { role: Role, text: String, hint: &'static str },
    /// An address that no packet can be balanced to.
    #[error("{role} {address} is {kind}: give a unicast address of this network")]
    UnusableAddress { role: Role, address: IpAddr, kind: &'static str },
    /// A port that does not exist.
    #[error("port {number} is outside 1 to 65535")]
    Port { number: i128 },
    /// Too heavy.
    #[error("weight {number} is above 65535 (a weight is a whole number from 0 to 65535)")]
    WeightAbove { number: i128 },
    /// Less than nothing.
    #[error("weight {number} is below 0 (a weight is a whole number from 0 to 65535)")]
    WeightBelow { number: i128 },
    /// Only TCP and UDP are balanced.
    #[error("protocol {word:?} is unknown: use \"tcp\" or \"udp\"")]
    UnknownProtocol { word: String },
    /// A scheduler that nobody knows.
    #[error("scheduler {word:?} is unknown: use \"mh\"")]
    UnknownScheduler { word: String },
    /// A scheduler that only a later version knows.
    #[error("this version of lb-ctl does not carry out the scheduler {word}: use \"mh\"")]
    LaterScheduler { word: String },
    /// A way of tracking that nobody knows.
    #[error("tracking {word:?} is unknown: use \"changes\", \"full\" or \"none\"")]
    UnknownTracking { word: String },
    /// Not a duration.
    #[error("idle timeout {0}")]
    IdleTimeoutForm(#[from] DurationError),
    /// Too short or too long.
    #[error("idle timeout {seconds}s is outside 1s to {MAX_IDLE_SECS}s (13 days)")]
    IdleTimeout { seconds: u64 },
    /// Direct routing leaves the IP header alone, so both must be of one family.
    #[error(
        "real {real} is {} and its VIP {vip} is {}: give both in one family",
        family(*real),
        family(*vip)
    )]
    MixedFamily { real: IpAddr, vip: IpAddr },
    /// A service that would forward to itself.
    #[error("real {real} is the VIP of its own service: give the real server's own address")]
    RealIsVip { real: IpAddr },
    /// A real whose address the director takes for itself.
    #[error(
        "{address} is a real of service {real_of} and the VIP of service {service}: the director \
         holds its VIPs itself, so give the real server's own address"
    )]
    RealIsOtherVip { address: IpAddr, real_of: Endpoint, service: Endpoint },
    /// Direct routing leaves the TCP or UDP header alone.
    #[error(
        "real {real} has port {port} and its service {service} has port {}: direct routing \
         cannot rewrite ports, so leave the real's port out and let it listen on {}",
        service.port,
        service.port
    )]
    RealPort { real: IpAddr, port: u16, service: Endpoint },
    /// The same service twice in one definition.
    #[error("service {endpoint} stands at services[{first}] already: keep one of the two")]
    DuplicateService { endpoint: Endpoint, first: usize },
    /// The same real twice in one service.
    #[error("real {real} stands at reals[{first}] of its service already: keep one of the two")]
    DuplicateReal { real: IpAddr, first: usize },
    /// The same interface twice in one definition.
    #[error("interface {name} stands at interfaces[{first}] already: keep one of the two")]
    DuplicateInterface { name: String, first: usize },
    /// Two services of one name.
    #[error("the name {name:?} belongs to service {holder} already: give each service its own")]
    DuplicateName { name: String, holder: Endpoint },
    /// A service name that cannot be used.
    #[error("service name {name:?} {fault}: give 1 to 64 printable characters")]
    Name { name: String, fault: &'static str },
    /// An interface name that the kernel would refuse.
    #[error("interface name {name:?} {fault}: `ip link` lists the names there are")]
    Interface { name: String, fault: &'static str },
}

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The address of a service.
    Vip,
    /// The address of a real server.
    Real,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vip => "VIP",
            Self::Real => "real",
        })
    }
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}
