//! What a trace asks of a frame itself.

use lb_common::be::{Be32, Be128};
use lb_common::trace::{IPV4, IPV6, Source};

use crate::headers::{Ipv4, Ipv6, ethertype};
use crate::packet::Packet;
use crate::vlan;

/// Where a frame's packet comes from; `None` where it is neither IPv4 nor IPv6.
#[inline(always)]
pub fn source<P: Packet>(packet: &P) -> Option<Source> {
    let link = vlan::link(packet).ok()?;
    match link.ethertype {
        ethertype::IPV4 => {
            let source = packet.header::<Ipv4>(link.next)?.source;
            Some(Source { family: IPV4, address: [Be32::from_bytes(source).raw(), 0, 0, 0] })
        }
        ethertype::IPV6 => {
            let source = packet.header::<Ipv6>(link.next)?.source;
            Some(Source { family: IPV6, address: Be128::from_bytes(source).raw() })
        }
        _ => None,
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::fixtures::frame::{Family, Packet as Built};
    use crate::packet::MemoryPacket;

    fn words(address: IpAddr) -> Source {
        match address {
            IpAddr::V4(v4) => Source { family: IPV4, address: [Be32::from(v4).raw(), 0, 0, 0] },
            IpAddr::V6(v6) => Source { family: IPV6, address: Be128::from(v6).raw() },
        }
    }

    #[test]
    fn the_source_of_either_family_is_found() {
        for family in Family::BOTH {
            let frame = Built::udp(family).frame();
            let packet = MemoryPacket::new(&frame, 1);
            assert_eq!(source(&packet), Some(words(family.client())));
            for cut in 0..30 {
                assert_eq!(source(&MemoryPacket::new(&frame[..cut], 1)), None, "{cut} bytes");
            }
        }
    }

    #[test]
    fn arp_has_no_source() {
        let mut frame = Built::udp(Family::BOTH[0]).frame();
        frame[12..14].copy_from_slice(&[0x08, 0x06]);
        assert_eq!(source(&MemoryPacket::new(&frame, 1)), None);
    }
}
