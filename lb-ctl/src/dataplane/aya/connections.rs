//! Reading the connection tables, and writing what another director tells of.

use std::collections::HashSet;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;

use aya::maps::{HashMap, Map, MapData, MapError};
use lb_common::be::{Address, Be32, Be128};
use lb_common::key::FlowKey;
use lb_common::limits::maps as names;
use lb_common::value::{Connection, Load, TICK_SHIFT, Ticks};
use nix::time::{ClockId, clock_gettime};

use super::bpf_syscall::{self, Words};
use super::maps::{gone_is_fine, io_error, map_error};
use crate::dataplane::flow::Flow;
use crate::dataplane::keeping::Keeping;
use crate::dataplane::{
    Correction, DataplaneError, EditConnections, Place, ReadConnections, Tracked,
};

/// Only where the key is not there yet.
const BPF_NOEXIST: u64 = 1;
/// Only where the key is there already.
const BPF_EXIST: u64 = 2;

/// Handles of its own, so that it can be read on another thread.
pub(super) struct Reader {
    v4: Table<Be32>,
    v6: Table<Be128>,
    loads: MapData,
    seed: u64,
    keeping: Keeping,
}

/// The table of one family.
struct Table<A> {
    map: HashMap<MapData, FlowKey<A>, Connection>,
    name: &'static str,
}

impl Reader {
    pub(super) fn open(maps: &Path, seed: u64, keeping: Keeping) -> Result<Self, DataplaneError> {
        let loads = MapData::from_pin(maps.join(names::LOADS));
        Ok(Self {
            v4: Table::open(maps, names::CONNS_V4)?,
            v6: Table::open(maps, names::CONNS_V6)?,
            loads: loads.map_err(map_error("open", names::LOADS))?,
            seed,
            keeping,
        })
    }

    fn reals(&self) -> Result<u32, DataplaneError> {
        Ok(self.loads.info().map_err(map_error("ask for", names::LOADS))?.max_entries())
    }
}

impl ReadConnections for Reader {
    fn read(&self) -> Result<Vec<Tracked>, DataplaneError> {
        let mut connections = Vec::new();
        self.v4.collect(&self.keeping, self.seed, &mut connections)?;
        self.v6.collect(&self.keeping, self.seed, &mut connections)?;
        Ok(connections)
    }

    fn keep_clients(&mut self, connections: &[Tracked]) -> Result<(), DataplaneError> {
        if !self.keeping.has_persistence() {
            return Ok(());
        }
        let kept: HashSet<Staying> =
            connections.iter().filter_map(|each| Staying::of(&self.keeping, each)).collect();
        self.v4.keep(&self.keeping, &kept)?;
        self.v6.keep(&self.keeping, &kept)
    }

    fn loads(&self) -> Result<Vec<Load>, DataplaneError> {
        bpf_syscall::read_array(self.loads.fd().as_fd(), self.reals()?)
            .map_err(io_error("read", names::LOADS))
    }

    fn correct_loads(&mut self, corrections: &[Correction]) -> Result<(), DataplaneError> {
        if corrections.is_empty() {
            return Ok(());
        }
        let words = size_of::<Load>() / size_of::<u64>();
        let both = corrections.iter().flat_map(|each| {
            let first = each.real as usize * words;
            [(first, each.active), (first + 1, each.inactive)]
        });
        let length = self.reals()? as usize * words;
        let loads = Words::of(self.loads.fd().as_fd(), length);
        let loads = loads.map_err(io_error("add to", names::LOADS))?;
        both.for_each(|(index, addend)| loads.add(index, addend));
        Ok(())
    }

    fn sweep(&mut self) -> Result<(), DataplaneError> {
        self.v4.sweep(&self.keeping)?;
        self.v6.sweep(&self.keeping)
    }
}

/// Writes single entries.
pub(super) struct Editor {
    v4: Table<Be32>,
    v6: Table<Be128>,
}

impl Editor {
    pub(super) fn open(maps: &Path) -> Result<Self, DataplaneError> {
        let v4 = Table::open(maps, names::CONNS_V4)?;
        Ok(Self { v4, v6: Table::open(maps, names::CONNS_V6)? })
    }
}

impl EditConnections for Editor {
    fn entry(&self, flow: &Flow) -> Result<Option<Connection>, DataplaneError> {
        match flow {
            Flow::V4(flow) => self.v4.entry(flow),
            Flow::V6(flow) => self.v6.entry(flow),
        }
    }

    fn put(
        &mut self,
        flow: &Flow,
        entry: Connection,
        place: Place,
    ) -> Result<bool, DataplaneError> {
        match flow {
            Flow::V4(flow) => self.v4.put(flow, entry, place),
            Flow::V6(flow) => self.v6.put(flow, entry, place),
        }
    }
}

/// A client, or a client network, that stays with a real.
#[derive(PartialEq, Eq, Hash)]
struct Staying {
    service: u32,
    network: IpAddr,
    real: u32,
}

impl Staying {
    /// The client of a connection, where its service keeps it.
    fn of(keeping: &Keeping, tracked: &Tracked) -> Option<Self> {
        let (vip, port) = tracked.vip;
        let kept = keeping.find(tracked.protocol, vip, port)?;
        if tracked.is_template() || kept.details.persistence == 0 {
            return None;
        }
        let mask = &kept.details.mask;
        let network = match tracked.client.0 {
            IpAddr::V4(client) => address(Be32::from(client).masked(mask)),
            IpAddr::V6(client) => address(Be128::from(client).masked(mask)),
        };
        Some(Self { service: kept.service.id, network, real: tracked.real })
    }
}

impl<A: Address> Table<A>
where
    FlowKey<A>: aya::Pod,
{
    fn open(maps: &Path, name: &'static str) -> Result<Self, DataplaneError> {
        let data = MapData::from_pin(maps.join(name)).map_err(map_error("open", name))?;
        let map = Map::from_map_data(data).and_then(TryInto::try_into);
        Ok(Self { map: map.map_err(map_error("open", name))?, name })
    }

    fn entry(&self, flow: &FlowKey<A>) -> Result<Option<Connection>, DataplaneError> {
        match self.map.get(flow, 0) {
            Ok(entry) => Ok(Some(entry)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(map_error("look-up", self.name)(error)),
        }
    }

    fn put(
        &mut self,
        flow: &FlowKey<A>,
        entry: Connection,
        place: Place,
    ) -> Result<bool, DataplaneError> {
        let (flags, other) = match place {
            Place::Free => (BPF_NOEXIST, libc::EEXIST),
            Place::Taken => (BPF_EXIST, libc::ENOENT),
        };
        match self.map.insert(flow, entry, flags) {
            Ok(()) => Ok(true),
            Err(MapError::SyscallError(error)) if error.io_error.raw_os_error() == Some(other) => {
                Ok(false)
            }
            Err(error) => Err(map_error("insert", self.name)(error)),
        }
    }

    fn collect(
        &self,
        keeping: &Keeping,
        seed: u64,
        connections: &mut Vec<Tracked>,
    ) -> Result<(), DataplaneError> {
        let now = now()?;
        for entry in &self.map {
            match entry {
                Ok((flow, found)) => {
                    connections.extend(tracked(keeping, seed, &flow, &found, now));
                }
                // Evicted between the look-up of its key and that of its value.
                Err(MapError::KeyNotFound) => {}
                Err(error) => return Err(map_error("dump", self.name)(error)),
            }
        }
        Ok(())
    }

    /// Makes the templates of these clients as if used now.
    fn keep(&mut self, keeping: &Keeping, kept: &HashSet<Staying>) -> Result<(), DataplaneError> {
        let now = now()?;
        let templates = self.map.keys().filter(|key| key.as_ref().is_ok_and(FlowKey::is_template));
        let templates = templates.collect::<Result<Vec<_>, _>>();
        for key in templates.map_err(map_error("dump", self.name))? {
            let Some(service) = keeping.service_of(&key) else { continue };
            let Ok(template) = self.map.get(&key, 0) else { continue };
            let (service, network) = (service.service.id, address(key.source));
            if kept.contains(&Staying { service, network, real: template.real }) {
                let renewed = Connection { seen: now, ..template };
                gone_is_fine(self.map.insert(key, renewed, BPF_EXIST), self.name)?;
            }
        }
        Ok(())
    }

    fn sweep(&mut self, keeping: &Keeping) -> Result<(), DataplaneError> {
        let now = now()?;
        // Of a service that is not known here, nothing is known to have expired.
        let is_expired = |map: &HashMap<MapData, _, _>, flow: &FlowKey<A>| {
            keeping.service_of(flow).is_some_and(|kept| {
                map.get(flow, 0).is_ok_and(|found| kept.left(&found, now).is_none())
            })
        };
        let mut expired = Vec::new();
        for flow in self.map.keys() {
            let flow = flow.map_err(map_error("dump", self.name))?;
            if is_expired(&self.map, &flow) {
                expired.push(flow);
            }
        }
        for flow in expired {
            // Its port may have been used again since: the shorter the time between look-up and
            // removal, the better.
            if is_expired(&self.map, &flow) {
                gone_is_fine(self.map.remove(&flow), self.name)?;
            }
        }
        Ok(())
    }
}

fn tracked<A: Address>(
    keeping: &Keeping,
    seed: u64,
    flow: &FlowKey<A>,
    connection: &Connection,
    now: Ticks,
) -> Option<Tracked> {
    let kept = keeping.service_of(flow)?;
    let left = kept.left(connection, now)?;
    Some(Tracked {
        protocol: kept.endpoint.protocol,
        client: (address(flow.source), flow.source_port.get()),
        vip: (address(flow.destination), flow.destination_port.get()),
        endpoint: kept.endpoint,
        hash: kept.hash(seed, flow),
        real: connection.real,
        generation: connection.generation,
        state: connection.state,
        seen: connection.seen,
        left,
    })
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
