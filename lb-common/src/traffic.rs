//! The traffic of the benches: what their packet generator in the kernel, the sink that stands for
//! the reals, and their user agree on.
//!
//! Only the benches' own programs and maps use this; the load balancer knows nothing of it.

use crate::value::Mac;

/// The MAC that every packet is addressed to: the director's.
pub const DIRECTOR: Mac = [0x02, 0, 0, 0, 0, 0x01];
/// The MAC that every packet comes from.
pub const ROUTER: Mac = [0x02, 0, 0, 0, 0, 0xfe];

/// Through how many machines each packet may go. The director counts itself, and would take a frame
/// that is used again and again for one that goes round.
pub const HOPS: u8 = 64;

/// The port of every service.
pub const SERVICE_PORT: u16 = 80;

/// [`Traffic::flows`] of a run in which no flow ever comes again.
pub const ENDLESS: u32 = u32::MAX;

/// Services that the VIPs of [`vip_v4`] suffice for: the size of 198.18.0.0/15.
pub const MAX_SERVICES: u32 = 1 << 17;

/// Bits of a flow's number that go into its port; the others go into its address.
const PORT_BITS: u32 = 12;
const FIRST_PORT: u16 = 0x4000;

/// Where the generator stands. One CPU drives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Traffic {
    /// Number of the next packet's flow.
    pub flow: u32,
    /// How many flows there are; after the last comes the first.
    pub flows: u32,
    /// Number of the next packet's service.
    pub service: u32,
    /// How many services the packets go to in turn. Must divide the number of flows, or a flow
    /// would meet several of them.
    pub services: u32,
}

impl Traffic {
    /// Goes on to the next packet.
    #[inline(always)]
    pub const fn advance(&mut self) {
        self.flow += 1;
        if self.flow >= self.flows {
            self.flow = 0;
        }
        self.service += 1;
        if self.service >= self.services {
            self.service = 0;
        }
    }
}

/// The VIP of a service, from 198.18.0.0/15 (RFC 2544, appendix C.2.2).
#[inline(always)]
pub const fn vip_v4(service: u32) -> [u8; 4] {
    (0xc612_0000 + service).to_be_bytes()
}

/// The client of a flow, from 10.0.0.0/8.
#[inline(always)]
pub const fn client_v4(flow: u32) -> [u8; 4] {
    (0x0a00_0000 | flow >> PORT_BITS).to_be_bytes()
}

/// The VIP of a service, from 2001:2::/48 (RFC 5180, section 8).
pub const fn vip_v6(service: u32) -> [u8; 16] {
    let [a, b, c, d] = vip_v6_end(service);
    [0x20, 0x01, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, a, b, c, d]
}

/// Its last four bytes; the others are the same for all.
#[inline(always)]
pub const fn vip_v6_end(service: u32) -> [u8; 4] {
    service.to_be_bytes()
}

/// The client of a flow, from 2001:2::/48.
pub const fn client_v6(flow: u32) -> [u8; 16] {
    let [a, b, c, d] = client_v6_end(flow);
    [0x20, 0x01, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, a, b, c, d]
}

/// Its last four bytes; the others are the same for all.
#[inline(always)]
pub const fn client_v6_end(flow: u32) -> [u8; 4] {
    (flow >> PORT_BITS).to_be_bytes()
}

/// The client's port of a flow.
#[inline(always)]
pub const fn client_port(flow: u32) -> u16 {
    FIRST_PORT + (flow & ((1 << PORT_BITS) - 1)) as u16
}

/// The flow of a client: the inverse of [`client_v4`] or [`client_v6_end`] with [`client_port`].
#[inline(always)]
pub const fn flow_of(client_end: [u8; 4], port: u16) -> u32 {
    u32::from_be_bytes(client_end) << PORT_BITS | (port.wrapping_sub(FIRST_PORT)) as u32
}

/// The MAC of a real with this number, which is its last byte: never [`ROUTER`]'s.
pub const fn real_mac(number: u8) -> Mac {
    [0x02, 1, 0, 0, 0, number]
}

/// What the last byte of a MAC can be.
pub const SINK_PORTS: u32 = 256;

/// Flows whose real the sink can note.
pub const RECORDED_FLOWS: u32 = 1 << 18;

/// What the sink notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Recording {
    /// The first of the flows; [`RECORDED_FLOWS`] are noted from there on.
    pub first_flow: u32,
    /// Goes into every note, so that those of an earlier round are told from it: at most
    /// 0xff_ffff, and not 0.
    pub round: u32,
}

/// The sink's note that a flow was seen with this real in this round.
#[inline(always)]
pub const fn seen(round: u32, real: u8) -> u32 {
    round << 8 | real as u32
}

/// The real of a note of this round.
pub const fn seen_real(note: u32, round: u32) -> Option<u8> {
    if note >> 8 == round { Some(note as u8) } else { None }
}

const _: () = assert!(size_of::<Traffic>() == 16);
const _: () = assert!(size_of::<Recording>() == 8);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn flows_come_again_after_the_last_and_each_with_the_same_service() {
        let mut traffic = Traffic { flows: 6, services: 3, ..Traffic::default() };
        let mut seen = HashSet::new();
        for packet in 0..60 {
            assert_eq!(traffic.flow, packet % 6);
            seen.insert((traffic.flow, traffic.service));
            traffic.advance();
        }
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn no_two_flows_look_alike() {
        let numbers = (0..20_000).chain(u32::MAX - 20_000..=u32::MAX);
        let mut v4 = HashSet::new();
        let mut v6 = HashSet::new();
        for flow in numbers {
            assert!(v4.insert((client_v4(flow), client_port(flow))), "{flow}");
            assert!(v6.insert((client_v6(flow), client_port(flow))), "{flow}");
        }
    }

    #[test]
    fn a_flow_is_known_by_its_client() {
        for flow in (0..10_000).chain(u32::MAX - 10_000..=u32::MAX) {
            assert_eq!(flow_of(client_v4(flow), client_port(flow)), flow);
            assert_eq!(flow_of(client_v6_end(flow), client_port(flow)), flow);
        }
    }

    #[test]
    fn notes_of_other_rounds_do_not_count() {
        assert_eq!(seen_real(seen(7, 3), 7), Some(3));
        assert_eq!(seen_real(seen(6, 3), 7), None);
        assert_eq!(seen_real(0, 1), None);
    }

    #[test]
    fn vips_stay_in_the_benchmark_network() {
        assert_eq!(vip_v4(0), [198, 18, 0, 0]);
        assert_eq!(vip_v4(MAX_SERVICES - 1), [198, 19, 255, 255]);
    }
}
