//! Builds the tables by which packets find their service: looks for a seed and displacements that
//! send every key to a slot of its own. Pure.

use lb_common::be::Address;
use lb_common::directory::{Directory, Entry, Shape};
use lb_common::hash::service_hash;
use lb_common::key::ServiceKey;
use lb_common::value::Service;

/// One half of a directory, ready to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Half<A> {
    /// The seed it was made with.
    pub seed: u32,
    /// The displacement of each bucket.
    pub displacements: Vec<u32>,
    /// The slots that are taken, and by which services.
    pub entries: Vec<(u32, Entry<A>)>,
}

/// Seeds to try. Each has a chance of well over a half, even where the table is as full as it may
/// be.
const SEEDS: u32 = 64;

/// Builds a half. `None` where no seed was found, which only happens with more services than the
/// shape was made for.
pub fn build<A: Address>(services: &[(ServiceKey<A>, Service)], shape: Shape) -> Option<Half<A>> {
    (0..SEEDS).find_map(|seed| place(services, shape, seed))
}

fn place<A: Address>(
    services: &[(ServiceKey<A>, Service)],
    shape: Shape,
    seed: u32,
) -> Option<Half<A>> {
    let hashes: Vec<u64> = services.iter().map(|(key, _)| service_hash(seed, key)).collect();
    let mut buckets: Vec<Vec<usize>> = vec![Vec::new(); shape.buckets() as usize];
    for (index, hash) in hashes.iter().enumerate() {
        buckets[shape.bucket(*hash) as usize].push(index);
    }
    // The fullest first, while there is room.
    let mut order: Vec<usize> = (0..buckets.len()).filter(|b| !buckets[*b].is_empty()).collect();
    order.sort_by_key(|bucket| std::cmp::Reverse(buckets[*bucket].len()));
    let mut taken = vec![false; shape.slots() as usize];
    let mut half = Half { seed, displacements: vec![0; buckets.len()], entries: Vec::new() };
    for bucket in order {
        let keys = &buckets[bucket];
        let fits = |displacement: &u32| {
            let slots = keys.iter().map(|key| shape.slot(hashes[*key], *displacement));
            claim(&mut taken, slots)
        };
        let displacement = (0..tries(shape)).find(fits)?;
        half.displacements[bucket] = displacement;
        half.entries.extend(keys.iter().map(|index| {
            let (key, service) = services[*index];
            (shape.slot(hashes[*index], displacement), Entry { key, service })
        }));
    }
    Some(half)
}

/// Displacements to try: enough that the last key finds the last free slot.
const fn tries(shape: Shape) -> u32 {
    let tries = shape.slots().saturating_mul(8);
    if tries < 1024 { 1024 } else { tries }
}

/// Takes all of these slots, or none.
fn claim(taken: &mut [bool], slots: impl Iterator<Item = u32> + Clone) -> bool {
    for (got, slot) in slots.clone().enumerate() {
        if std::mem::replace(&mut taken[slot as usize], true) {
            for slot in slots.take(got) {
                taken[slot as usize] = false;
            }
            return false;
        }
    }
    true
}

impl<A: Address> Half<A> {
    /// What a packet would read, as half number `half`.
    pub fn directory(&self, half: u32) -> Directory {
        Directory::new(self.seed, half)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use lb_common::be::{Be16, Be32, Be128};
    use lb_common::directory::find;
    use lb_common::key::Protocol;
    use lb_common::value::Tracking;
    use proptest::prelude::*;

    use super::*;

    fn v4(n: u32) -> ServiceKey<Be32> {
        let vip = Be32::from(Ipv4Addr::from(0xc612_0000 + n / 100));
        ServiceKey::new(vip, Be16::new(8000 + (n % 100) as u16), Protocol::Tcp)
    }

    fn v6(n: u32) -> ServiceKey<Be128> {
        let vip = Be128::from(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n)));
        ServiceKey::new(vip, Be16::new(443), Protocol::Udp)
    }

    fn assert_found<A: Address>(keys: &[ServiceKey<A>], strangers: &[ServiceKey<A>], room: u32) {
        let numbered = keys.iter().enumerate();
        let services: Vec<_> =
            numbered.map(|(id, key)| (*key, Service::new(id as u32, Tracking::Full, 7))).collect();
        let shape = Shape::of(room);
        let half = build(&services, shape)
            .unwrap_or_else(|| panic!("no seed for {} of {shape:?}", services.len()));
        let entries: HashMap<u32, Entry<A>> = half.entries.iter().copied().collect();
        assert_eq!(entries.len(), keys.len(), "no two share a slot");
        for side in [0, 1] {
            let look_up = |key: &ServiceKey<A>| {
                find(
                    half.directory(side),
                    shape,
                    key,
                    |bucket| {
                        let bucket = bucket - side * shape.buckets();
                        half.displacements.get(bucket as usize).copied()
                    },
                    |slot| entries.get(&(slot - side * shape.slots())).copied(),
                )
            };
            for (key, service) in &services {
                assert_eq!(look_up(key), Some(*service));
            }
            assert!(strangers.iter().all(|key| look_up(key).is_none()));
        }
    }

    #[test]
    fn a_full_table_finds_all_and_nobody_else() {
        for room in [1, 3, 100, 4096, 13_107] {
            let v4s: Vec<_> = (0..room).map(v4).collect();
            assert_found(&v4s, &(room..room + 200).map(v4).collect::<Vec<_>>(), room);
            let v6s: Vec<_> = (0..room).map(v6).collect();
            assert_found(&v6s, &(room..room + 200).map(v6).collect::<Vec<_>>(), room);
        }
    }

    #[test]
    fn an_empty_table_finds_nothing() {
        assert_found(&[], &[v4(0)], 8);
    }

    #[test]
    fn protocol_and_port_tell_services_apart() {
        let vip = Be32::from(Ipv4Addr::new(192, 0, 2, 10));
        let key = |port, protocol| ServiceKey::new(vip, Be16::new(port), protocol);
        assert_found(
            &[key(53, Protocol::Udp), key(53, Protocol::Tcp), key(80, Protocol::Tcp)],
            &[key(80, Protocol::Udp), key(0, Protocol::Tcp)],
            4,
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_set_of_services_fits(
            vips in proptest::collection::hash_set((any::<u32>(), 1u16..), 1..600),
        ) {
            let keys: Vec<_> = vips
                .iter()
                .map(|(vip, port)| {
                    let vip = Be32::from(Ipv4Addr::from(*vip));
                    ServiceKey::new(vip, Be16::new(*port), Protocol::Udp)
                })
                .collect();
            assert_found(&keys, &[], keys.len() as u32);
        }
    }
}
