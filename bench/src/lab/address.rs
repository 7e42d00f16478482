//! Who has which address. All are from the ranges kept for documentation (RFC 5737, RFC 3849) and
//! for benches (RFC 2544).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The virtual IPv4 address, on the client's side of the director. Nobody has it at first.
pub const VIP4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// The virtual IPv6 address, on the client's side of the director. Nobody has it at first.
pub const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);
/// Both virtual addresses.
pub const VIPS: [IpAddr; 2] = [IpAddr::V4(VIP4), IpAddr::V6(VIP6)];
/// The virtual addresses on the second client's side of the director. Nobody has them at first.
pub const SIDE_VIPS: [IpAddr; 2] =
    [IpAddr::V4(Network::Side.ipv4(VIP)), IpAddr::V6(Network::Side.ipv6(VIP))];
/// The one public IPv4 address of the NAT router.
pub const PUBLIC4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The one public IPv6 address of the NAT router.
pub const PUBLIC6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

const VIP: u8 = 10;
pub(super) const ROUTER: u8 = 1;
pub(super) const DIRECTOR: u8 = 2;
pub(super) const SECOND_DIRECTOR: u8 = 3;
pub(super) const FIRST_REAL: u8 = 21;
pub(super) const CLIENT: u8 = 200;

/// A segment of the bed: one bridge in the switch's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Director, reals, and the client unless it is outside.
    Lan,
    /// Behind the director's second interface.
    Far,
    /// Behind the NAT router.
    Outside,
    /// Behind an interface of the director's for the second client.
    Side,
}

impl Network {
    pub(super) const fn bridge(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Far => "far",
            Self::Outside => "outside",
            Self::Side => "side",
        }
    }

    /// The number of its VLAN, where all networks are on one cable.
    pub(super) const fn vlan(self) -> u16 {
        match self {
            Self::Lan => 10,
            Self::Far => 20,
            Self::Outside => 30,
            Self::Side => 40,
        }
    }

    pub(super) const fn ipv4(self, host: u8) -> Ipv4Addr {
        match self {
            Self::Lan => Ipv4Addr::new(192, 0, 2, host),
            Self::Far => Ipv4Addr::new(203, 0, 113, host),
            Self::Outside => Ipv4Addr::new(198, 51, 100, host),
            Self::Side => Ipv4Addr::new(198, 18, 0, host),
        }
    }

    /// The last group reads like the last number of the IPv4 address: host 21 has `::21`.
    pub(super) const fn ipv6(self, host: u8) -> Ipv6Addr {
        let subnet = match self {
            Self::Lan => 0,
            Self::Far => 2,
            Self::Outside => 1,
            Self::Side => 3,
        };
        let (hundreds, tens, ones) = (host / 100, host / 10 % 10, host % 10);
        let last = (hundreds as u16) << 8 | (tens as u16) << 4 | ones as u16;
        Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_read_alike() {
        assert_eq!(Network::Lan.ipv4(21).to_string(), "192.0.2.21");
        assert_eq!(Network::Lan.ipv6(21).to_string(), "2001:db8::21");
        assert_eq!(Network::Far.ipv6(120).to_string(), "2001:db8:2::120");
        assert_eq!(SIDE_VIPS.map(|vip| vip.to_string()), ["198.18.0.10", "2001:db8:3::10"]);
        assert_eq!(Network::Outside.ipv4(ROUTER), PUBLIC4);
        assert_eq!(Network::Outside.ipv6(ROUTER), PUBLIC6);
    }
}
