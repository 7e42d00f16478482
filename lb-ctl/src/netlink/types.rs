//! Plain data of what the kernel holds. Pure.

use std::net::IpAddr;

use lb_common::value::Mac;
use lb_common::vlan::Tag;

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Its number, unique in the network namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address; none unless it is Ethernet.
    pub mac: Option<Mac>,
    /// Switched on, and with a carrier.
    pub up: bool,
    /// It is the loopback interface.
    pub loopback: bool,
    /// The XDP program on it, if any.
    pub xdp: Option<XdpOnLink>,
    /// What it is, as far as that matters here.
    pub kind: LinkKind,
    /// The interface that it is a member of, if any.
    pub master: Option<u32>,
}

/// What an interface is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LinkKind {
    /// A VLAN of another interface.
    Vlan(Vlan),
    /// Several interfaces used as one, by the bonding driver.
    Bond,
    /// Several interfaces used as one, by the team driver.
    Team,
    /// A switch between interfaces.
    Bridge,
    /// It has a virtual router's MAC, on the interface of this number; none where that is in
    /// another network namespace.
    VirtualMac(Option<u32>),
    /// Anything else.
    #[default]
    Other,
}

impl LinkKind {
    /// The interface that it is on with the MAC of a virtual router, if any.
    pub const fn virtual_mac_on(self) -> Option<u32> {
        match self {
            Self::VirtualMac(lower) => lower,
            Self::Vlan(_) | Self::Bond | Self::Team | Self::Bridge | Self::Other => None,
        }
    }

    /// What its kind is called, where its members send and receive for it, under its MAC.
    pub const fn speaks_through_members(self) -> Option<&'static str> {
        match self {
            Self::Bond => Some("bond"),
            Self::Team => Some("team"),
            Self::Bridge => Some("bridge"),
            Self::Vlan(_) | Self::VirtualMac(_) | Self::Other => None,
        }
    }
}

/// What makes an interface a VLAN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vlan {
    /// The tag that its frames have on the interface below.
    pub tag: Tag,
    /// That interface; none where it is in another network namespace.
    pub lower: Option<u32>,
}

/// An XDP program on a network interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct XdpOnLink {
    /// It runs in the driver; otherwise in the stack.
    pub native: bool,
    /// The kernel's number of the program.
    pub program_id: u32,
}

/// Who put an address on an interface, kept by the kernel with the address (`IFA_PROTO`, since
/// Linux 5.18), so that it is known again after a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The director's daemon.
    Director,
    /// `lb-ctl real-server setup`.
    RealServer,
    /// The director's daemon, for a virtual router.
    Vrrp,
}

impl Mark {
    /// The number in the kernel. Those below 4 are the kernel's own; the others are for whoever
    /// picks one.
    pub const fn number(self) -> u8 {
        match self {
            Self::Director => b'L',
            Self::RealServer => b'R',
            Self::Vrrp => b'V',
        }
    }
}

/// An address and the interface that it is, or is to be, on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Placement {
    /// The interface.
    pub ifindex: u32,
    /// The address.
    pub address: IpAddr,
    /// Length of its prefix in bits.
    pub prefix_len: u8,
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} on interface {}", self.address, self.prefix_len, self.ifindex)
    }
}

/// An address on an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldAddress {
    /// The interface.
    pub ifindex: u32,
    /// The address.
    pub address: IpAddr,
    /// Length of its prefix in bits.
    pub prefix_len: u8,
    /// The director's daemon put it there.
    pub ours: bool,
    /// The kernel's `IFA_PROTO`; 0 where nobody said.
    pub protocol: u8,
    /// IPv6 has not finished its duplicate address detection.
    pub tentative: bool,
    /// IPv6 found that another machine has it.
    pub dad_failed: bool,
}

impl HeldAddress {
    /// Where it is.
    pub const fn placement(&self) -> Placement {
        let Self { ifindex, address, prefix_len, .. } = *self;
        Placement { ifindex, address, prefix_len }
    }

    /// Whether it carries this mark.
    pub const fn has(&self, mark: Mark) -> bool {
        self.protocol == mark.number()
    }

    /// Whether the address lies in the network that this one connects its interface to.
    pub fn connects(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let host_bits = 32u32.saturating_sub(self.prefix_len.into());
                (mine.to_bits() ^ other.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let host_bits = 128u32.saturating_sub(self.prefix_len.into());
                (mine.to_bits() ^ other.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Length of a prefix that holds one address of this family, in bits.
pub const fn host_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Where packets to an address would go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The interface out of which.
    pub ifindex: u32,
    /// The router in between, if any.
    pub gateway: Option<IpAddr>,
    /// They would stay here: the address is the machine's own.
    pub local: bool,
}

/// An entry of the ARP or ND table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// The interface behind which the neighbour is.
    pub ifindex: u32,
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address, if known.
    pub mac: Option<Mac>,
    /// What the kernel thinks of it.
    pub state: NeighbourState,
}

/// The states of a neighbour (RFC 4861 section 7.3.2, with the kernel's additions).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NeighbourState {
    /// Made, and nothing asked yet.
    None,
    /// Asked, no answer so far.
    Incomplete,
    /// Known to be there.
    Reachable,
    /// Not heard of for a while.
    Stale,
    /// Not heard of for a while, and about to be asked.
    Delay,
    /// Being asked again.
    Probe,
    /// Does not answer.
    Failed,
    /// On an interface without ARP or ND.
    Noarp,
    /// Put there by hand.
    Permanent,
}

impl NeighbourState {
    /// Whether the hardware address holds in this state (the kernel's `NUD_VALID`).
    pub const fn is_valid(self) -> bool {
        match self {
            Self::Reachable
            | Self::Stale
            | Self::Delay
            | Self::Probe
            | Self::Noarp
            | Self::Permanent => true,
            Self::None | Self::Incomplete | Self::Failed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(address: &str, prefix_len: u8) -> HeldAddress {
        HeldAddress {
            ifindex: 1,
            address: address.parse().unwrap(),
            prefix_len,
            ours: false,
            protocol: 0,
            tentative: false,
            dad_failed: false,
        }
    }

    #[test]
    fn a_prefix_connects_what_lies_in_it() {
        for (address, prefix_len, other, connected) in [
            ("192.0.2.1", 24, "192.0.2.200", true),
            ("192.0.2.1", 24, "192.0.3.1", false),
            ("192.0.2.1", 32, "192.0.2.1", true),
            ("192.0.2.1", 32, "192.0.2.2", false),
            ("192.0.2.1", 0, "203.0.113.7", true),
            ("2001:db8::1", 64, "2001:db8::ff", true),
            ("2001:db8::1", 64, "2001:db8:1::ff", false),
            ("2001:db8::1", 0, "::1", true),
            ("192.0.2.1", 0, "2001:db8::1", false),
        ] {
            let other = other.parse().unwrap();
            assert_eq!(held(address, prefix_len).connects(other), connected, "{address} {other}");
        }
    }
}
