//! The traffic of the program bench: what its packet generator in the kernel and its user agree on.
//!
//! Only the bench's own program and map use this; the load balancer knows nothing of it.

use crate::value::Mac;

/// The MAC that every packet is addressed to: the director's.
pub const DIRECTOR: Mac = [0x02, 0, 0, 0, 0, 0x01];
/// The MAC that every packet comes from.
pub const ROUTER: Mac = [0x02, 0, 0, 0, 0, 0xfe];

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

const _: () = assert!(size_of::<Traffic>() == 16);

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
    fn vips_stay_in_the_benchmark_network() {
        assert_eq!(vip_v4(0), [198, 18, 0, 0]);
        assert_eq!(vip_v4(MAX_SERVICES - 1), [198, 19, 255, 255]);
    }
}
