//! The Maglev table fill, with weights (Eisenbud et al., "Maglev: A Fast and Reliable Software
//! Network Load Balancer", NSDI 2016, section 3.4). Pure.

use std::net::IpAddr;

/// A member of the ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// What its slots will hold.
    pub id: u32,
    /// Its address: decides its permutation, so that two directors fill alike.
    pub address: IpAddr,
    /// Its share relative to the others; 0 gets no slot.
    pub weight: u16,
}

const EMPTY: u32 = u32::MAX;

/// One member's walk through the slots, in the order it prefers them.
struct Walker {
    id: u32,
    weight: u32,
    /// Turns earned but not taken, in units of the heaviest weight.
    credit: u32,
    at: u32,
    skip: u32,
}

impl Walker {
    fn new(member: &Member, slots: u32) -> Self {
        let hash = address_hash(member.address);
        Self {
            id: member.id,
            weight: u32::from(member.weight),
            credit: 0,
            at: (hash % u64::from(slots)) as u32,
            skip: ((hash >> 32) % u64::from(slots - 1)) as u32 + 1,
        }
    }

    fn advance(&mut self, slots: u32) {
        let next = self.at + self.skip;
        self.at = if next >= slots { next - slots } else { next };
    }
}

/// Fills a ring of `slots` slots, a prime greater than the number of members. The result does not
/// depend on the order of the members; it is empty where none has a weight.
///
/// In each round every member earns its weight and takes one slot for each full measure of the
/// heaviest weight, so that after any number of rounds each has its share to within one slot.
pub fn fill(members: &[Member], slots: u32) -> Vec<u32> {
    let mut members: Vec<&Member> = members.iter().filter(|m| m.weight > 0).collect();
    let Some(heaviest) = members.iter().map(|m| u32::from(m.weight)).max() else {
        return Vec::new();
    };
    members.sort_by_key(|member| member.address);
    let mut walkers: Vec<Walker> = members.iter().map(|m| Walker::new(m, slots)).collect();
    let mut ring = vec![EMPTY; slots as usize];
    let mut left = slots;
    loop {
        for walker in &mut walkers {
            walker.credit += walker.weight;
            if walker.credit < heaviest {
                continue;
            }
            walker.credit -= heaviest;
            while ring[walker.at as usize] != EMPTY {
                walker.advance(slots);
            }
            ring[walker.at as usize] = walker.id;
            walker.advance(slots);
            left -= 1;
            if left == 0 {
                return ring;
            }
        }
    }
}

/// Whether a ring may have so many slots.
pub const fn is_prime(slots: u32) -> bool {
    let mut divisor = 2;
    while divisor * divisor <= slots as u64 {
        if (slots as u64).is_multiple_of(divisor) {
            return false;
        }
        divisor += 1;
    }
    slots > 1
}

/// A 64-bit hash of an address: `splitmix64`'s finaliser over its words.
fn address_hash(address: IpAddr) -> u64 {
    let (high, low) = match address {
        IpAddr::V4(v4) => (4, u64::from(u32::from(v4))),
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            ((bits >> 64) as u64, bits as u64)
        }
    };
    finalise(finalise(high ^ 0x9e37_79b9_7f4a_7c15) ^ low)
}

fn finalise(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use lb_common::limits::DEFAULT_RING_SLOTS as RING_SLOTS;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn primes_are_told_from_others() {
        assert!(
            [2, 3, 101, 1021, 4093, 16_381, 65_537, 262_147, 4_194_301].map(is_prime) == [true; 9]
        );
        assert!([0, 1, 4, 100, 1023, 65_536, 65_535].map(is_prime) == [false; 7]);
    }

    fn v4(n: u32, weight: u16) -> Member {
        Member { id: n + 1, address: Ipv4Addr::from(0x0a00_0100 + n).into(), weight }
    }

    fn v6(n: u32, weight: u16) -> Member {
        let address = Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(n));
        Member { id: n + 1, address: address.into(), weight }
    }

    fn shares(ring: &[u32]) -> HashMap<u32, u32> {
        let mut shares = HashMap::new();
        for id in ring {
            *shares.entry(*id).or_default() += 1;
        }
        shares
    }

    fn assert_shares(members: &[Member]) {
        let shares = shares(&fill(members, RING_SLOTS));
        let total: f64 = members.iter().map(|m| f64::from(m.weight)).sum();
        for member in members {
            let ideal = f64::from(RING_SLOTS) * f64::from(member.weight) / total;
            let share = f64::from(shares.get(&member.id).copied().unwrap_or(0));
            // A share of less than a hundred slots cannot be met to a hundredth.
            let tolerance = (ideal / 100.0).max(1.0);
            assert!((share - ideal).abs() <= tolerance, "{member:?}: {share} of {ideal}");
        }
    }

    #[test]
    fn equal_weights_share_equally() {
        for n in [1, 2, 3, 10, 100, 1000] {
            assert_shares(&(0..n).map(|i| v4(i, 1)).collect::<Vec<_>>());
            assert_shares(&(0..n).map(|i| v6(i, 7)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn shares_follow_weights() {
        assert_shares(&[v4(0, 1), v4(1, 2), v4(2, 3)]);
        assert_shares(&[v4(0, 65535), v4(1, 1)]);
        assert_shares(&(0..100).map(|i| v6(i, (i + 1) as u16)).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_with_a_weight_gives_an_empty_ring() {
        assert!(fill(&[], RING_SLOTS).is_empty());
        assert!(fill(&[v4(0, 0), v4(1, 0)], RING_SLOTS).is_empty());
    }

    #[test]
    fn weight_zero_gets_no_slot() {
        let ring = fill(&[v4(0, 1), v4(1, 0)], RING_SLOTS);
        assert!(ring.iter().all(|id| *id == 1));
    }

    #[test]
    fn removing_one_moves_little_more_than_its_own_slots() {
        for n in [2u32, 3, 5, 10, 50, 100, 300] {
            let members: Vec<_> = (0..n).map(|i| v4(i, 1)).collect();
            let before = fill(&members, RING_SLOTS);
            for gone in [0, n / 2, n - 1] {
                let rest: Vec<_> = members.iter().filter(|m| m.id != gone + 1).copied().collect();
                let after = fill(&rest, RING_SLOTS);
                let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                let share = f64::from(moved as u32) / f64::from(RING_SLOTS);
                let bound = 1.0 / f64::from(n) + 0.01;
                assert!(share <= bound, "{n} reals less {gone}: {share} moved, bound {bound}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_of_members_does_not_matter(
            weights in proptest::collection::vec(0u16..100, 1..20),
            rotation in 0usize..20,
        ) {
            let members: Vec<_> =
                weights.iter().enumerate().map(|(n, w)| v4(n as u32, *w)).collect();
            let mut turned = members.clone();
            turned.rotate_left(rotation % members.len());
            turned.reverse();
            prop_assert_eq!(fill(&members, 4099), fill(&turned, 4099));
        }

        #[test]
        fn shares_are_within_one_slot_and_one_percent(
            weights in proptest::collection::vec(1u16..1000, 1..40),
        ) {
            assert_shares(
                &weights.iter().enumerate().map(|(n, w)| v4(n as u32, *w)).collect::<Vec<_>>(),
            );
        }
    }
}
