//! Why a real cannot be reached.

use std::fmt;
use std::net::IpAddr;

/// Why a real cannot be reached. Shown to people, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Asked, no answer yet.
    Resolving {
        /// The interface asked on.
        interface: String,
    },
    /// Asked, and nobody answers.
    NoAnswer {
        /// The real.
        address: IpAddr,
        /// The interface asked on.
        interface: String,
    },
    /// Not in a directly connected network.
    Routed {
        /// The router in between.
        gateway: IpAddr,
    },
    /// Nowhere to send.
    NoRoute,
    /// It is a VIP that this director holds, so it reaches no real server.
    Vip,
    /// The way leads over an interface that is off or without carrier.
    LinkDown {
        /// That interface.
        interface: String,
    },
    /// The way leads over an interface that is not there (any more).
    LinkGone {
        /// Its number.
        ifindex: u32,
    },
    /// The way leads over a VLAN of an interface in another network namespace.
    LowerElsewhere {
        /// That VLAN's interface.
        interface: String,
    },
    /// The way leads over VLANs deeper than frames have tags here.
    TooManyTags {
        /// The innermost VLAN's interface.
        interface: String,
    },
    /// The way leads over an interface without Ethernet.
    NotEthernet {
        /// That interface.
        interface: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving { interface } => {
                write!(f, "no neighbour yet: resolving on {interface}")
            }
            Self::NoAnswer { address, interface } => {
                let protocol = if address.is_ipv4() { "ARP" } else { "ND" };
                write!(
                    f,
                    "neighbour failed: nobody answers {protocol} for {address} on {interface}"
                )
            }
            Self::Routed { gateway } => write!(
                f,
                "routed via gateway {gateway}: direct routing needs the real in a directly \
                 connected network"
            ),
            Self::NoRoute => f.write_str("no route"),
            Self::Vip => f.write_str(
                "the address is a VIP on this director: name the real by an address of its own",
            ),
            Self::LinkDown { interface } => write!(f, "interface {interface} is down"),
            Self::LinkGone { ifindex } => write!(f, "interface {ifindex} is gone"),
            Self::LowerElsewhere { interface } => write!(
                f,
                "interface {interface} is a VLAN of an interface in another network namespace"
            ),
            Self::TooManyTags { interface } => {
                write!(f, "interface {interface} is a VLAN more than two deep")
            }
            Self::NotEthernet { interface } => {
                write!(f, "interface {interface} has no MAC (not Ethernet)")
            }
        }
    }
}
