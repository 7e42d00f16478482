//! The words for a broken rule.

use std::fmt;
use std::net::IpAddr;

use super::check::CheckError;
use super::notify::NotifyError;
use super::policy::PolicyError;
use super::quorum::QuorumError;
use super::vrrp::VrrpError;
use crate::config::model::{Endpoint, Ports};

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
    /// Too heavy.
    #[error("weight {number} is above 65535 (a weight is a whole number from 0 to 65535)")]
    WeightAbove { number: i128 },
    /// Less than nothing.
    #[error("weight {number} is below 0 (a weight is a whole number from 0 to 65535)")]
    WeightBelow { number: i128 },
    /// Only TCP and UDP are balanced.
    #[error("protocol {word:?} is unknown: use \"tcp\" or \"udp\"")]
    UnknownProtocol { word: String },
    /// Direct routing leaves the IP header alone, so both must be of one family.
    #[error(
        "{role} {address} is {} and its VIP {vip} is {}: give both in one family",
        family(*address),
        family(*vip)
    )]
    MixedFamily { role: Role, address: IpAddr, vip: IpAddr },
    /// A service that would forward to itself.
    #[error("{role} {address} is the VIP of its own service: give the server's own address")]
    IsVip { role: Role, address: IpAddr },
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
    /// As well, and one port of a real cannot stand for many of its service.
    #[error(
        "real {real} has port {port} and its service {service} takes {}: direct routing cannot \
         rewrite ports, so leave the real's port out and let it listen on those that clients use",
        many(service.port)
    )]
    RealPortOfMany { real: IpAddr, port: u16, service: Endpoint },
    /// Two services for one port.
    #[error(
        "service {endpoint} and service {other} share ports, and it cannot be told which of the two \
         is meant: give ranges apart, or port 0 for all ports that no other service takes"
    )]
    OverlappingPorts { endpoint: Endpoint, other: Endpoint },
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
    /// What a service cannot ask for.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// What a check cannot be.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// What a service cannot follow from its checks.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// Whom nobody can tell.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// What virtual routers cannot be.
    #[error(transparent)]
    Vrrp(#[from] VrrpError),
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
    /// The address of a sorry server.
    SorryServer,
    /// The director's address that probes come from.
    Bind,
    /// An address that moves between directors.
    Virtual,
    /// Another director's address.
    Peer,
    /// The director's address that adverts come from.
    Source,
    /// An address that connections are told from, or to.
    Sync,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vip => "VIP",
            Self::Real => "real",
            Self::SorryServer => "sorry server",
            Self::Bind => "bind",
            Self::Virtual => "virtual address",
            Self::Peer => "unicast peer",
            Self::Source => "source",
            Self::Sync => "sync address",
        })
    }
}

fn many(ports: Ports) -> String {
    if ports.is_any() { "any port".to_owned() } else { format!("the ports {ports}") }
}

pub(super) const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}
