//! The maps, typed.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::maps::{
    Array, ArrayOfMaps, DevMapHash, HashMap, Map, MapData, MapError, PerCpuArray, PerCpuValues,
};
use aya::util::nr_cpus;
use aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_ARRAY;
use lb_common::be::{Address, Be32, Be128};
use lb_common::key::{Protocol, ServiceKey};
use lb_common::limits::{INTERFACES, maps as names};
use lb_common::value::{Mac, Real, RealId, Service, Stats};
use lb_common::verdict::REASONS;

use super::bpf_syscall;
use crate::config::model::Endpoint;
use crate::dataplane::{Capacity, DataplaneError, MapFill};
use crate::reconcile::actual::Actual;

/// `BPF_F_INNER_MAP`: the inner map may have another size than its neighbours.
const BPF_F_INNER_MAP: u32 = 1 << 12;

pub(super) struct Maps {
    pub(super) services_v4: HashMap<MapData, ServiceKey<Be32>, Service>,
    pub(super) services_v6: HashMap<MapData, ServiceKey<Be128>, Service>,
    pub(super) reals: Array<MapData, Real>,
    pub(super) egress: DevMapHash<MapData>,
    pub(super) ingress: HashMap<MapData, u32, Mac>,
    pub(super) service_stats: PerCpuArray<MapData, Stats>,
    pub(super) real_stats: PerCpuArray<MapData, Stats>,
    rings: ArrayOfMaps<MapData>,
    /// A second handle to the same map, for what aya has no call for.
    rings_raw: MapData,
    reasons: PerCpuArray<MapData, u64>,
    directory: PathBuf,
}

impl Maps {
    /// Takes the maps out of a loaded object whose maps are pinned in `directory`.
    pub(super) fn take(ebpf: &mut Ebpf, directory: PathBuf) -> Result<Self, DataplaneError> {
        Ok(Self {
            services_v4: take(ebpf, names::SERVICES_V4)?,
            services_v6: take(ebpf, names::SERVICES_V6)?,
            reals: take(ebpf, names::REALS)?,
            egress: take(ebpf, names::EGRESS)?,
            ingress: take(ebpf, names::INGRESS)?,
            service_stats: take(ebpf, names::SERVICE_STATS)?,
            real_stats: take(ebpf, names::REAL_STATS)?,
            rings: take(ebpf, names::RINGS)?,
            rings_raw: MapData::from_pin(directory.join(names::RINGS))
                .map_err(map_error("open", names::RINGS))?,
            reasons: take(ebpf, names::REASONS)?,
            directory,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn read_back(&self) -> Result<Actual, DataplaneError> {
        let mut services = endpoints(&self.services_v4, names::SERVICES_V4)?;
        services.extend(endpoints(&self.services_v6, names::SERVICES_V6)?);
        let mut rings = Vec::new();
        for id in 0..self.rings.len() {
            match self.rings.get(&id, 0) {
                Ok(_) => rings.push(id),
                Err(MapError::KeyNotFound) => {}
                Err(error) => return Err(map_error("look-up", names::RINGS)(error)),
            }
        }
        let mut reals = Vec::new();
        for (id, real) in self.reals.iter().enumerate() {
            let real = real.map_err(map_error("look-up", names::REALS))?;
            if real != Real::default() {
                reals.push((id as RealId, real));
            }
        }
        let egress = self
            .egress
            .keys()
            .collect::<Result<BTreeSet<u32>, _>>()
            .map_err(map_error("dump", names::EGRESS))?;
        let ingress = self
            .ingress
            .iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(map_error("dump", names::INGRESS))?;
        Ok(Actual::inherited(services, rings, reals, egress, ingress))
    }

    pub(super) fn put_egress(&mut self, ifindex: u32) -> Result<(), DataplaneError> {
        self.put_egress_as(ifindex, ifindex)
    }

    pub(super) fn put_egress_as(&mut self, key: u32, ifindex: u32) -> Result<(), DataplaneError> {
        self.egress.insert(key, ifindex, None, 0).map_err(|error| DataplaneError::Map {
            operation: "insert",
            map: names::EGRESS,
            cause: error.to_string(),
        })
    }

    /// Replaces a ring: fills a new map, then swaps it in. The kernel returns from the swap when
    /// no packet sees the old one any more (`maybe_wait_bpf_programs`).
    pub(super) fn put_ring(
        &mut self,
        service: u32,
        slots: &[RealId],
    ) -> Result<(), DataplaneError> {
        let ring = new_ring(slots)?;
        self.rings.set(service, &ring, 0).map_err(map_error("update", names::RINGS))
    }

    /// Writes the rings of the services from zero on, with one wait for all of them.
    pub(super) fn put_first_rings(&mut self, rings: &[Vec<RealId>]) -> Result<(), DataplaneError> {
        let rings: Vec<MapData> =
            rings.iter().map(|slots| new_ring(slots)).collect::<Result<_, _>>()?;
        let fds: Vec<u32> =
            rings.iter().map(|ring| ring.fd().as_fd().as_raw_fd().cast_unsigned()).collect();
        bpf_syscall::fill_array(self.rings_raw.fd().as_fd(), &fds)
            .map_err(io_error("update", names::RINGS))
    }

    pub(super) fn remove_ring(&mut self, service: u32) -> Result<(), DataplaneError> {
        bpf_syscall::delete_element(self.rings_raw.fd().as_fd(), service)
            .map_err(io_error("delete", names::RINGS))
    }

    pub(super) fn reasons(&self) -> Result<Vec<u64>, DataplaneError> {
        (0..REASONS)
            .map(|index| {
                let counts =
                    self.reasons.get(&index, 0).map_err(map_error("look-up", names::REASONS))?;
                Ok(counts.iter().sum())
            })
            .collect()
    }

    pub(super) fn zero_reasons(&mut self) -> Result<(), DataplaneError> {
        (0..REASONS).try_for_each(|index| zero(&mut self.reasons, names::REASONS, index))
    }

    /// How full the tables are that do not change with each packet.
    pub(super) fn fixed_fill(&self, capacity: Capacity) -> Vec<MapFill> {
        let egress = self.egress.keys().count() as u64;
        let services_v4 = self.services_v4.keys().count() as u64;
        let services_v6 = self.services_v6.keys().count() as u64;
        vec![
            MapFill::new(names::SERVICES_V4, services_v4, capacity.services),
            MapFill::new(names::SERVICES_V6, services_v6, capacity.services),
            MapFill::new(names::EGRESS, egress, INTERFACES),
        ]
    }
}

/// A ring that is filled and stands in no service yet.
fn new_ring(slots: &[RealId]) -> Result<MapData, DataplaneError> {
    let definition = aya_obj::Map::new_from_params(
        BPF_MAP_TYPE_ARRAY as u32,
        size_of::<u32>() as u32,
        size_of::<RealId>() as u32,
        slots.len() as u32,
        BPF_F_INNER_MAP,
    );
    let ring = MapData::create(definition, "RING", None)
        .map_err(map_error("create a ring for", names::RINGS))?;
    bpf_syscall::fill_array(ring.fd().as_fd(), slots)
        .map_err(io_error("fill a ring for", names::RINGS))?;
    Ok(ring)
}

fn take<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, DataplaneError> {
    let map = ebpf
        .take_map(name)
        .ok_or_else(|| DataplaneError::Setup(format!("the object has no map {name}")))?;
    map.try_into().map_err(map_error("open", name))
}

fn endpoints<A: Address>(
    map: &HashMap<MapData, ServiceKey<A>, Service>,
    name: &'static str,
) -> Result<Vec<(Endpoint, u32)>, DataplaneError>
where
    ServiceKey<A>: aya::Pod,
{
    let mut services = Vec::new();
    for entry in map {
        let (key, service) = entry.map_err(map_error("dump", name))?;
        let protocol = Protocol::from_number(key.protocol as u8).ok_or_else(|| {
            let cause = format!("a service with IP protocol {}", key.protocol);
            DataplaneError::Map { operation: "dump", map: name, cause }
        })?;
        let address: IpAddr = A::Std::from(key.vip).into();
        services.push((Endpoint { protocol, address, port: key.port.get() }, service.id));
    }
    Ok(services)
}

/// Counters of an index, summed over the CPUs.
pub(super) fn sum(
    map: &PerCpuArray<MapData, Stats>,
    name: &'static str,
    index: u32,
) -> Result<Stats, DataplaneError> {
    let values = map.get(&index, 0).map_err(map_error("look-up", name))?;
    let mut total = Stats::default();
    for value in values.iter() {
        total += *value;
    }
    Ok(total)
}

/// Sets the counters of an index to zero on every CPU.
pub(super) fn zero<V: aya::Pod + Default + Clone>(
    map: &mut PerCpuArray<MapData, V>,
    name: &'static str,
    index: u32,
) -> Result<(), DataplaneError> {
    let cpus = nr_cpus().map_err(|(path, e)| DataplaneError::Setup(format!("{path}: {e}")))?;
    let zeros = PerCpuValues::try_from(vec![V::default(); cpus]).map_err(io_error("zero", name))?;
    map.set(index, zeros, 0).map_err(map_error("zero", name))
}

/// The kernel removes an entry by itself when its interface goes.
pub(super) fn gone_is_fine(
    result: Result<(), MapError>,
    map: &'static str,
) -> Result<(), DataplaneError> {
    match result {
        Err(MapError::KeyNotFound | MapError::ElementNotFound) | Ok(()) => Ok(()),
        Err(MapError::SyscallError(e)) if e.io_error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        Err(error) => Err(map_error("delete", map)(error)),
    }
}

pub(super) fn map_error(
    operation: &'static str,
    map: &'static str,
) -> impl Fn(MapError) -> DataplaneError {
    move |error| {
        let cause = match &error {
            MapError::SyscallError(e) => format!("{}: {}", e.call, e.io_error),
            MapError::CreateError { io_error, .. } => io_error.to_string(),
            other => other.to_string(),
        };
        DataplaneError::Map { operation, map, cause }
    }
}

fn io_error(
    operation: &'static str,
    map: &'static str,
) -> impl Fn(std::io::Error) -> DataplaneError {
    move |error| DataplaneError::Map { operation, map, cause: error.to_string() }
}
