//! Reading the connection tables.

use std::net::IpAddr;
use std::path::Path;

use aya::maps::{HashMap, Map, MapData, MapError};
use lb_common::be::{Address, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};
use lb_common::limits::maps as names;
use lb_common::timeout;
use lb_common::value::{Connection, TICK_SHIFT, Ticks};
use nix::time::{ClockId, clock_gettime};

use super::maps::map_error;
use crate::dataplane::{DataplaneError, ReadConnections, Tracked};

/// Handles of its own, so that it can be read on another thread.
pub(super) struct Reader {
    v4: HashMap<MapData, FlowKey<Be32>, Connection>,
    v6: HashMap<MapData, FlowKey<Be128>, Connection>,
}

impl Reader {
    pub(super) fn open(maps: &Path) -> Result<Self, DataplaneError> {
        Ok(Self { v4: open(maps, names::CONNS_V4)?, v6: open(maps, names::CONNS_V6)? })
    }
}

impl ReadConnections for Reader {
    fn read(&self) -> Result<Vec<Tracked>, DataplaneError> {
        let now = now()?;
        let mut connections = Vec::new();
        collect(&self.v4, names::CONNS_V4, now, &mut connections)?;
        collect(&self.v6, names::CONNS_V6, now, &mut connections)?;
        Ok(connections)
    }
}

fn open<K: aya::Pod>(
    maps: &Path,
    name: &'static str,
) -> Result<HashMap<MapData, K, Connection>, DataplaneError> {
    let data = MapData::from_pin(maps.join(name)).map_err(map_error("open", name))?;
    Map::from_map_data(data).and_then(TryInto::try_into).map_err(map_error("open", name))
}

/// The program's clock (`bpf_ktime_get_coarse_ns`).
pub(super) fn now() -> Result<Ticks, DataplaneError> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)
        .map_err(|e| DataplaneError::Setup(format!("cannot read the clock: {e}")))?;
    let nanoseconds = std::time::Duration::from(time).as_nanos();
    Ok((nanoseconds >> TICK_SHIFT) as Ticks)
}

fn collect<A: Address>(
    map: &HashMap<MapData, FlowKey<A>, Connection>,
    name: &'static str,
    now: Ticks,
    connections: &mut Vec<Tracked>,
) -> Result<(), DataplaneError>
where
    FlowKey<A>: aya::Pod,
{
    for entry in map {
        let (flow, connection) = match entry {
            Ok(entry) => entry,
            // Evicted between the look-up of its key and that of its value.
            Err(MapError::KeyNotFound) => continue,
            Err(error) => return Err(map_error("dump", name)(error)),
        };
        let left = timeout::left(&connection, now);
        let protocol = Protocol::from_number(flow.protocol as u8);
        let (Some(left), Some(protocol)) = (left, protocol) else { continue };
        connections.push(Tracked {
            protocol,
            client: (address(flow.source), flow.source_port.get()),
            vip: (address(flow.destination), flow.destination_port.get()),
            real: connection.real,
            generation: connection.generation,
            state: connection.state,
            expires: (u64::from(left) << TICK_SHIFT) / 1_000_000_000,
        });
    }
    Ok(())
}

fn address<A: Address>(address: A) -> IpAddr {
    A::Std::from(address).into()
}
