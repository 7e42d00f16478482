//! The packets. Pure.

use std::net::Ipv4Addr;

use lb_common::value::Mac;
use xdp_prog::fixtures::frame::{Family, Packet};

/// The virtual address (RFC 5737 keeps the network for documentation).
pub const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// The service's port.
pub const PORT: u16 = 80;
/// The one real server: the sink.
pub const RIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 21);
/// Where packets come from.
pub const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 200);

/// Bytes after the UDP header that make the frame 60 bytes long: the least of Ethernet, without
/// its check sequence.
const PAYLOAD: usize = 18;

/// UDP to the service, from the one source.
pub fn frame(to: Mac) -> Vec<u8> {
    Packet {
        to,
        source: SOURCE.into(),
        destination: VIP.into(),
        source_port: 40_000,
        destination_port: PORT,
        payload: PAYLOAD,
        ..Packet::udp(Family::V4)
    }
    .frame()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ones' complement sum of RFC 1071.
    fn ones_sum(header: &[u8]) -> u16 {
        let words =
            header.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        let sum: u32 = words.sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        ((folded & 0xffff) + (folded >> 16)) as u16
    }

    #[test]
    fn the_frame_is_the_shortest_and_its_header_adds_up() {
        let frame = frame([2, 0, 0, 0, 0, 9]);
        assert_eq!(frame.len(), 60);
        assert_eq!(frame[..6], [2, 0, 0, 0, 0, 9]);
        assert_eq!(ones_sum(&frame[14..34]), 0xffff);
        assert_eq!(frame[30..34], VIP.octets());
    }
}
