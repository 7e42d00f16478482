//! The flow hash: one function for the packet path and for user space, seeded so that a client
//! cannot know which real its next port will reach, and equal on two directors with equal seeds.

use crate::be::Address;
use crate::key::{FlowKey, ServiceKey};

/// The seed used where none is configured.
pub const DEFAULT_SEED: u64 = 0x6c62_2d63_746c_2d31;

// Odd 64-bit constants with about half their bits set: the fractional parts of the golden ratio
// and of the square roots of 2 and 3. Multiplying by an odd number loses no bit, and the shifts
// bring the well-mixed upper half down.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const ROOT_2: u64 = 0x6a09_e667_f3bc_c909;
const ROOT_3: u64 = 0xbb67_ae85_84ca_a73b;

#[inline(always)]
const fn mix(state: u64, word: u64, multiplier: u64) -> u64 {
    let product = (state ^ word).wrapping_mul(multiplier);
    product ^ (product >> 32)
}

/// Hashes the 5-tuple to 32 bits.
#[inline(always)]
pub fn flow_hash<A: Address>(seed: u64, flow: &FlowKey<A>) -> u32 {
    let ports = u64::from(flow.source_port.raw()) << 32
        | u64::from(flow.destination_port.raw()) << 16
        | u64::from(flow.protocol);
    let source = flow.source.words();
    let destination = flow.destination.words();
    let state = if size_of::<A>() == 4 {
        mix(seed, source[0] << 32 | destination[0], GOLDEN)
    } else {
        let state = mix(seed, source[0], GOLDEN);
        let state = mix(state, source[1], ROOT_2);
        let state = mix(state, destination[0], ROOT_3);
        mix(state, destination[1], GOLDEN)
    };
    let state = mix(state, ports, ROOT_2);
    (state.wrapping_mul(ROOT_3) >> 32) as u32
}

/// Hashes the client's address alone to 32 bits, seeded by the VIP too, so that a client does not
/// meet the same slot at every one.
#[inline(always)]
pub fn source_hash<A: Address>(seed: u64, source: A, vip: A) -> u32 {
    let (source, vip) = (source.words(), vip.words());
    let state = if size_of::<A>() == 4 {
        mix(seed, source[0] << 32 | vip[0], ROOT_3)
    } else {
        let state = mix(seed, source[0], ROOT_3);
        let state = mix(state, source[1], GOLDEN);
        mix(mix(state, vip[0], ROOT_2), vip[1], ROOT_3)
    };
    (mix(state, 0, ROOT_2).wrapping_mul(GOLDEN) >> 32) as u32
}

/// Hashes what names a service to 64 bits, all of which are used.
#[inline(always)]
pub fn service_hash<A: Address>(seed: u32, key: &ServiceKey<A>) -> u64 {
    let port = u64::from(key.port.raw()) << 16 | u64::from(key.protocol);
    let vip = key.vip.words();
    let state = if size_of::<A>() == 4 {
        mix(u64::from(seed), vip[0] << 32 | port, GOLDEN)
    } else {
        let state = mix(u64::from(seed), vip[0], GOLDEN);
        mix(mix(state, vip[1], ROOT_2), port, ROOT_3)
    };
    mix(state, 0, ROOT_2)
}

/// Maps a hash to `0..slots` by multiplication, since a division costs more than the rest of the
/// look-up (D. Lemire, "Fast random integer generation in an interval", 2019).
#[inline(always)]
pub const fn slot(hash: u32, slots: u32) -> u32 {
    ((hash as u64 * slots as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::be::{Be16, Be32, Be128};
    use core::net::{Ipv4Addr, Ipv6Addr};
    use proptest::prelude::*;

    fn v4(client: u32, port: u16) -> FlowKey<Be32> {
        FlowKey {
            source: Be32::from(Ipv4Addr::from(client)),
            destination: Be32::from(Ipv4Addr::new(192, 0, 2, 10)),
            source_port: Be16::new(port),
            destination_port: Be16::new(80),
            protocol: 6,
        }
    }

    fn v6(client: u128, port: u16) -> FlowKey<Be128> {
        FlowKey {
            source: Be128::from(Ipv6Addr::from(client)),
            destination: Be128::from(Ipv6Addr::LOCALHOST),
            source_port: Be16::new(port),
            destination_port: Be16::new(80),
            protocol: 6,
        }
    }

    /// The share of each of 64 buckets over 64 k flows must stay within five standard deviations.
    fn assert_even(hashes: impl Iterator<Item = u32>) {
        let mut buckets = [0i64; 64];
        let mut total = 0;
        for hash in hashes {
            buckets[slot(hash, 64) as usize] += 1;
            total += 1;
        }
        let mean = total / 64;
        for count in buckets {
            assert!((count - mean).pow(2) < 25 * mean, "bucket of {count}, mean {mean}");
        }
    }

    #[test]
    fn ports_of_one_client_spread_evenly() {
        assert_even((0..=u16::MAX).map(|port| flow_hash(DEFAULT_SEED, &v4(0x0a00_0001, port))));
        assert_even((0..=u16::MAX).map(|port| flow_hash(DEFAULT_SEED, &v6(1, port))));
    }

    #[test]
    fn clients_with_one_port_spread_evenly() {
        assert_even((0..65536).map(|n| flow_hash(DEFAULT_SEED, &v4(0x0a00_0000 + n, 4000))));
        let net = 0x2001_0db8_u128 << 96;
        assert_even((0..65536).map(|n| flow_hash(DEFAULT_SEED, &v6(net + n, 4000))));
        assert_even((0..65536).map(|n| flow_hash(DEFAULT_SEED, &v6(net + (n << 64), 4000))));
    }

    #[test]
    fn clients_alone_spread_evenly() {
        let vip = Be32::from(Ipv4Addr::new(192, 0, 2, 10));
        let client = |n| Be32::from(Ipv4Addr::from(0x0a00_0000 + n));
        assert_even((0..65536_u32).map(|n| source_hash(DEFAULT_SEED, client(n), vip)));
        let net = 0x2001_0db8_u128 << 96;
        let client = |n: u32| Be128::from(Ipv6Addr::from(net + (u128::from(n) << 64)));
        assert_even((0..65536).map(|n| source_hash(DEFAULT_SEED, client(n), client(7))));
    }

    proptest! {
        #[test]
        fn slots_are_in_range(hash: u32, slots in 1u32..) {
            prop_assert!(slot(hash, slots) < slots);
        }

        #[test]
        fn seeds_matter(client: u32, port: u16, a: u64, b: u64) {
            prop_assume!(a != b);
            // Two seeds may agree on one flow by chance, not on thirty-two of them.
            let differ = (0..32u16).any(|n| {
                flow_hash(a, &v4(client, port ^ n)) != flow_hash(b, &v4(client, port ^ n))
            });
            prop_assert!(differ);
        }
    }
}
