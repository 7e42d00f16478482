//! Source lists: which clients a service takes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aya::Ebpf;
use aya::maps::MapData;
use aya::maps::lpm_trie::{Key, LpmTrie};
use ipnet::IpNet;
use lb_common::be::{Address, Be32, Be128};
use lb_common::limits::maps as names;
use lb_common::wide::SourceKey;

use super::maps::{gone_is_fine, map_error, take};
use crate::dataplane::DataplaneError;

/// The lists of all services.
pub(super) struct SourceMaps {
    v4: LpmTrie<MapData, SourceKey<Be32>, u32>,
    v6: LpmTrie<MapData, SourceKey<Be128>, u32>,
}

impl SourceMaps {
    /// Takes the tables of a loaded object.
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, DataplaneError> {
        Ok(Self { v4: take(ebpf, names::SOURCES_V4)?, v6: take(ebpf, names::SOURCES_V6)? })
    }

    /// Says of a prefix what becomes of its clients at a service.
    pub(super) fn put(
        &mut self,
        service: u32,
        prefix: IpNet,
        said: u32,
    ) -> Result<(), DataplaneError> {
        match prefix {
            IpNet::V4(net) => {
                let key = key::<Be32>(service, net.network().into(), net.prefix_len());
                self.v4.insert(&key, said, 0).map_err(map_error("insert", names::SOURCES_V4))
            }
            IpNet::V6(net) => {
                let key = key::<Be128>(service, net.network().into(), net.prefix_len());
                self.v6.insert(&key, said, 0).map_err(map_error("insert", names::SOURCES_V6))
            }
        }
    }

    /// Says nothing of it any more.
    pub(super) fn remove(&mut self, service: u32, prefix: IpNet) -> Result<(), DataplaneError> {
        match prefix {
            IpNet::V4(net) => {
                let key = key::<Be32>(service, net.network().into(), net.prefix_len());
                gone_is_fine(self.v4.remove(&key), names::SOURCES_V4)
            }
            IpNet::V6(net) => {
                let key = key::<Be128>(service, net.network().into(), net.prefix_len());
                gone_is_fine(self.v6.remove(&key), names::SOURCES_V6)
            }
        }
    }

    /// What is said, by service.
    pub(super) fn read(&self) -> Result<BTreeMap<u32, BTreeMap<IpNet, u32>>, DataplaneError> {
        let mut lists = BTreeMap::new();
        read(&self.v4, names::SOURCES_V4, &mut lists)?;
        read(&self.v6, names::SOURCES_V6, &mut lists)?;
        Ok(lists)
    }
}

fn key<A: Address>(service: u32, address: A, length: u8) -> Key<SourceKey<A>>
where
    SourceKey<A>: aya::Pod,
{
    Key::new(SourceKey::<A>::prefix_bits(length), SourceKey { service, address })
}

fn read<A: Address>(
    map: &LpmTrie<MapData, SourceKey<A>, u32>,
    name: &'static str,
    lists: &mut BTreeMap<u32, BTreeMap<IpNet, u32>>,
) -> Result<(), DataplaneError>
where
    SourceKey<A>: aya::Pod,
{
    for entry in map {
        let (key, said) = entry.map_err(map_error("dump", name))?;
        let SourceKey { service, address } = key.data();
        let address: IpAddr = A::Std::from(address).into();
        let length = (key.prefix_len() - SourceKey::<A>::prefix_bits(0)) as u8;
        let prefix = IpNet::new(address, length).map_err(|_| DataplaneError::Map {
            operation: "read",
            map: name,
            cause: format!("a prefix {address}/{length}"),
        })?;
        lists.entry(service).or_default().insert(prefix, said);
    }
    Ok(())
}
