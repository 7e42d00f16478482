//! Reading the connection tables.

use std::net::IpAddr;
use std::path::Path;

use aya::maps::{HashMap, Map, MapData, MapError};
use lb_common::be::{Address, Be32, Be128};
use lb_common::hash::flow_hash;
use lb_common::key::{FlowKey, Protocol};
use lb_common::limits::maps as names;
use lb_common::timeout;
use lb_common::value::{Connection, TICK_SHIFT, Ticks};
use nix::time::{ClockId, clock_gettime};

use super::maps::{gone_is_fine, map_error};
use crate::config::model::Endpoint;
use crate::dataplane::{DataplaneError, ReadConnections, Tracked};

/// Handles of its own, so that it can be read on another thread.
pub(super) struct Reader {
    v4: HashMap<MapData, FlowKey<Be32>, Connection>,
    v6: HashMap<MapData, FlowKey<Be128>, Connection>,
    seed: u64,
    idle: Idle,
}

/// The idle timeout of each service.
type Idle = std::collections::HashMap<Endpoint, Ticks>;

impl Reader {
    pub(super) fn open(maps: &Path, seed: u64, idle: Idle) -> Result<Self, DataplaneError> {
        let v4 = open(maps, names::CONNS_V4)?;
        let v6 = open(maps, names::CONNS_V6)?;
        Ok(Self { v4, v6, seed, idle })
    }

    fn tracked<A: Address>(
        &self,
        flow: &FlowKey<A>,
        connection: &Connection,
        now: Ticks,
    ) -> Option<Tracked> {
        let endpoint = endpoint(flow)?;
        let left = timeout::left(connection, *self.idle.get(&endpoint)?, now)?;
        Some(Tracked {
            protocol: endpoint.protocol,
            client: (address(flow.source), flow.source_port.get()),
            vip: (endpoint.address, endpoint.port),
            hash: flow_hash(self.seed, flow),
            real: connection.real,
            generation: connection.generation,
            state: connection.state,
            expires: (u64::from(left) << TICK_SHIFT) / 1_000_000_000,
        })
    }

    fn collect<A: Address>(
        &self,
        map: &HashMap<MapData, FlowKey<A>, Connection>,
        name: &'static str,
        connections: &mut Vec<Tracked>,
    ) -> Result<(), DataplaneError>
    where
        FlowKey<A>: aya::Pod,
    {
        let now = now()?;
        for entry in map {
            match entry {
                Ok((flow, connection)) => {
                    connections.extend(self.tracked(&flow, &connection, now));
                }
                // Evicted between the look-up of its key and that of its value.
                Err(MapError::KeyNotFound) => {}
                Err(error) => return Err(map_error("dump", name)(error)),
            }
        }
        Ok(())
    }
}

impl ReadConnections for Reader {
    fn read(&self) -> Result<Vec<Tracked>, DataplaneError> {
        let mut connections = Vec::new();
        self.collect(&self.v4, names::CONNS_V4, &mut connections)?;
        self.collect(&self.v6, names::CONNS_V6, &mut connections)?;
        Ok(connections)
    }

    fn sweep(&mut self) -> Result<(), DataplaneError> {
        sweep(&mut self.v4, names::CONNS_V4, &self.idle)?;
        sweep(&mut self.v6, names::CONNS_V6, &self.idle)
    }
}

fn sweep<A: Address>(
    map: &mut HashMap<MapData, FlowKey<A>, Connection>,
    name: &'static str,
    idle: &Idle,
) -> Result<(), DataplaneError>
where
    FlowKey<A>: aya::Pod,
{
    let now = now()?;
    // Of a service that is not known here, nothing is known to have expired.
    let is_expired = |map: &HashMap<MapData, _, _>, flow: &FlowKey<A>| {
        let idle = endpoint(flow).and_then(|endpoint| idle.get(&endpoint));
        idle.is_some_and(|idle| {
            map.get(flow, 0).is_ok_and(|found| timeout::left(&found, *idle, now).is_none())
        })
    };
    let mut expired = Vec::new();
    for flow in map.keys() {
        let flow = flow.map_err(map_error("dump", name))?;
        if is_expired(map, &flow) {
            expired.push(flow);
        }
    }
    for flow in expired {
        // Its port may have been used again since: the shorter the time between look-up and
        // removal, the better.
        if is_expired(map, &flow) {
            gone_is_fine(map.remove(&flow), name)?;
        }
    }
    Ok(())
}

/// The service that a flow is addressed to.
fn endpoint<A: Address>(flow: &FlowKey<A>) -> Option<Endpoint> {
    let protocol = Protocol::from_number(flow.protocol as u8)?;
    let (address, port) = (address(flow.destination), flow.destination_port.get());
    Some(Endpoint { protocol, address, port })
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

fn address<A: Address>(address: A) -> IpAddr {
    A::Std::from(address).into()
}
