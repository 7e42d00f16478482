//! Services of more than one port, and the VIPs of all: what few packets ask for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use aya::Ebpf;
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap as BpfHashMap, MapData};
use lb_common::be::{Address, Be16};
use lb_common::key::Protocol;
use lb_common::value::Service;
use lb_common::wide::PortsKey;

use super::maps::{gone_is_fine, map_error, take};
use crate::config::model::{Endpoint, Ports};
use crate::dataplane::DataplaneError;

/// Those of one address family.
pub(super) struct Wide<A> {
    ports: LpmTrie<MapData, PortsKey<A>, Service>,
    vips: BpfHashMap<MapData, A, u32>,
    ports_name: &'static str,
    vips_name: &'static str,
}

/// A block of ports: the bits of its key that count, and the key.
type Block<A> = (u32, PortsKey<A>);

impl<A: Address + aya::Pod + std::hash::Hash> Wide<A>
where
    PortsKey<A>: aya::Pod,
{
    /// Takes the tables of a loaded object.
    pub(super) fn take(
        ebpf: &mut Ebpf,
        ports_name: &'static str,
        vips_name: &'static str,
    ) -> Result<Self, DataplaneError> {
        let (ports, vips) = (take(ebpf, ports_name)?, take(ebpf, vips_name)?);
        Ok(Self { ports, vips, ports_name, vips_name })
    }

    /// Adds what these services need. What is there already for others stays.
    pub(super) fn add(
        &mut self,
        services: &[(A, Endpoint, Service)],
    ) -> Result<(), DataplaneError> {
        let there = self.standing_vips()?;
        for vip in services.iter().map(|(vip, ..)| *vip).collect::<HashSet<A>>() {
            if !there.contains(&vip) {
                self.vips.insert(vip, 0, 0).map_err(map_error("insert", self.vips_name))?;
            }
        }
        let standing = self.standing_blocks()?;
        for (block, service) in blocks_of(services) {
            if standing.get(&block) != Some(&service) {
                let key = Key::new(block.0, block.1);
                self.ports
                    .insert(&key, service, 0)
                    .map_err(map_error("insert", self.ports_name))?;
            }
        }
        Ok(())
    }

    /// Removes what these services do not need.
    pub(super) fn retain(
        &mut self,
        services: &[(A, Endpoint, Service)],
    ) -> Result<(), DataplaneError> {
        let wanted = blocks_of(services);
        for (block, _) in self.standing_blocks()? {
            if !wanted.contains_key(&block) {
                let removed = self.ports.remove(&Key::new(block.0, block.1));
                gone_is_fine(removed, self.ports_name)?;
            }
        }
        let vips: HashSet<A> = services.iter().map(|(vip, ..)| *vip).collect();
        for vip in self.standing_vips()? {
            if !vips.contains(&vip) {
                gone_is_fine(self.vips.remove(&vip), self.vips_name)?;
            }
        }
        Ok(())
    }

    /// The services of more than one port, as packets find them.
    pub(super) fn read(&self) -> Result<Vec<(Endpoint, Service)>, DataplaneError> {
        // The blocks of a service stand side by side.
        let mut found: BTreeMap<u32, (PortsKey<A>, Service, u32, u32)> = BTreeMap::new();
        for ((bits, key), service) in self.standing_blocks()? {
            let first = u32::from(key.port.get());
            let last = first + (1 << (PortsKey::<A>::BITS - bits)) - 1;
            let entry = found.entry(service.id).or_insert((key, service, first, last));
            entry.2 = entry.2.min(first);
            entry.3 = entry.3.max(last);
        }
        let named = found.into_values().map(|(key, service, first, last)| {
            let address: IpAddr = A::Std::from(key.vip).into();
            let port = if first == 0 { Some(Ports::ANY) } else { range(first, last) };
            let protocol = Protocol::from_number(key.protocol as u8);
            match (protocol, port) {
                (Some(protocol), Some(port)) => Ok((Endpoint { protocol, address, port }, service)),
                _ => Err(DataplaneError::Map {
                    operation: "read",
                    map: self.ports_name,
                    cause: format!("a service of protocol {} at {first}-{last}", key.protocol),
                }),
            }
        });
        named.collect()
    }

    fn standing_vips(&self) -> Result<HashSet<A>, DataplaneError> {
        self.vips.keys().collect::<Result<_, _>>().map_err(map_error("dump", self.vips_name))
    }

    fn standing_blocks(&self) -> Result<HashMap<Block<A>, Service>, DataplaneError> {
        let blocks = self
            .ports
            .iter()
            .map(|entry| entry.map(|(key, service)| ((key.prefix_len(), key.data()), service)));
        blocks.collect::<Result<_, _>>().map_err(map_error("dump", self.ports_name))
    }
}

fn range(first: u32, last: u32) -> Option<Ports> {
    Ports::range(u16::try_from(first).ok()?, u16::try_from(last).ok()?)
}

fn blocks_of<A: Address + std::hash::Hash>(
    services: &[(A, Endpoint, Service)],
) -> HashMap<Block<A>, Service> {
    let wide = services.iter().filter(|(_, endpoint, _)| endpoint.port.single().is_none());
    let blocks = wide.flat_map(|(vip, endpoint, service)| {
        blocks(endpoint.port).into_iter().map(|(first, ports)| {
            let key = PortsKey::new(*vip, Be16::new(first), endpoint.protocol);
            ((PortsKey::<A>::block_bits(ports), key), *service)
        })
    });
    blocks.collect()
}

/// The blocks, each a power of two of ports at a multiple of itself, that a range consists of.
fn blocks(ports: Ports) -> Vec<(u16, u32)> {
    if ports.is_any() {
        return vec![(0, 1 << 16)];
    }
    let (mut first, last) = (u32::from(ports.first()), u32::from(ports.last()));
    let mut blocks = Vec::new();
    while first <= last {
        let fits = (last - first + 1).ilog2();
        let size = 1 << first.trailing_zeros().min(fits);
        blocks.push((first as u16, size));
        first += size;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_a_range_and_nothing_else() {
        for (first, last) in [(1, 65535), (8000, 8100), (80, 81), (1023, 1025), (65535, 65535)] {
            let ports = Ports::range(first, last).unwrap();
            let covered: Vec<u32> = blocks(ports)
                .into_iter()
                .flat_map(|(at, size)| {
                    assert_eq!(u32::from(at) % size, 0, "a block begins at a multiple of its size");
                    u32::from(at)..u32::from(at) + size
                })
                .collect();
            assert_eq!(covered, (u32::from(first)..=u32::from(last)).collect::<Vec<_>>());
        }
        assert_eq!(blocks(Ports::ANY), [(0, 65536)]);
    }
}
