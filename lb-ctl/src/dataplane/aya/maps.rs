//! The maps, typed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::maps::{DevMapHash, HashMap, Map, MapData, MapError, PerCpuArray, PerCpuValues};
use aya::util::nr_cpus;
use lb_common::budget::Budget;
use lb_common::directory::Shape;
use lb_common::limits::{INTERFACES, maps as names};
use lb_common::value::{Mac, Real, RealId, Ticks};
use lb_common::verdict::REASONS;

use super::bulk::Bulk;
use super::rings::Rings;
use super::services::Services;
use super::sources::SourceMaps;
use crate::dataplane::{Capacity, DataplaneError, MapFill};
use crate::reconcile::actual::{Actual, Inherited};
use crate::sched::ring::Ring;

pub(super) struct Maps {
    pub(super) services: Services,
    pub(super) rings: Rings,
    pub(super) orders: Rings,
    pub(super) sources: SourceMaps,
    pub(super) peers: HashMap<MapData, Mac, u16>,
    pub(super) virtual_macs: HashMap<MapData, Mac, u16>,
    pub(super) egress: DevMapHash<MapData>,
    pub(super) ingress: HashMap<MapData, u32, Mac>,
    pub(super) bulk: Bulk,
    reasons: PerCpuArray<MapData, u64>,
    deferred: PerCpuArray<MapData, u64>,
    budget: PerCpuArray<MapData, Budget>,
    /// Entries of the reals table.
    reals: u32,
    directory: PathBuf,
}

impl Maps {
    /// Takes the maps out of a loaded object whose maps are pinned in `directory`.
    pub(super) fn take(
        ebpf: &mut Ebpf,
        directory: PathBuf,
        capacity: Capacity,
    ) -> Result<Self, DataplaneError> {
        Ok(Self {
            services: Services::take(ebpf, &directory, Shape::of(capacity.services))?,
            rings: Rings::take(ebpf, &directory, names::RINGS)?,
            orders: Rings::take(ebpf, &directory, names::ORDERS)?,
            sources: SourceMaps::take(ebpf)?,
            peers: take(ebpf, names::PEERS)?,
            virtual_macs: take(ebpf, names::VIRTUAL_MACS)?,
            egress: take(ebpf, names::EGRESS)?,
            ingress: take(ebpf, names::INGRESS)?,
            bulk: Bulk::open(&directory, capacity)?,
            reasons: take(ebpf, names::REASONS)?,
            deferred: take(ebpf, names::DEFERRED)?,
            budget: take(ebpf, names::BUDGET)?,
            reals: capacity.reals,
            directory,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn read_back(&self, ring_slots: u32, now: Ticks) -> Result<Actual, DataplaneError> {
        let services: std::collections::HashMap<_, _> = self.services.read()?.into_iter().collect();
        let details = self.bulk.read_details(self.rings.len())?;
        let details = services.values().filter_map(|service| {
            details.get(service.id as usize).map(|details| (service.id, *details))
        });
        let details = details.collect();
        let rings = self.rings.read(ring_slots)?;
        let rings = rings.into_iter().map(|(id, slots)| (id, Ring::inherited(slots, now)));
        let reals = self.bulk.read_reals(self.reals)?.into_iter().enumerate();
        let reals = reals.filter(|(_, real)| *real != Real::default());
        let reals = reals.map(|(id, real)| (id as RealId, real)).collect();
        let egress = self
            .egress
            .keys()
            .collect::<Result<BTreeSet<u32>, _>>()
            .map_err(map_error("dump", names::EGRESS))?;
        let ingress = self
            .ingress
            .iter()
            .collect::<Result<_, _>>()
            .map_err(map_error("dump", names::INGRESS))?;
        let peers = self.peers.keys().collect::<Result<_, _>>();
        let virtual_macs = self.virtual_macs.keys().collect::<Result<_, _>>();
        Ok(Actual::inherited(Inherited {
            rings: rings.collect(),
            sources: self.sources.read()?,
            peers: peers.map_err(map_error("dump", names::PEERS))?,
            virtual_macs: virtual_macs.map_err(map_error("dump", names::VIRTUAL_MACS))?,
            services,
            details,
            reals,
            egress,
            ingress,
        }))
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

    /// Says how many flows each CPU may record for services that track changes.
    pub(super) fn set_budget(&mut self, budget: Budget) -> Result<(), DataplaneError> {
        set_all(&mut self.budget, names::BUDGET, 0, budget)
    }

    /// How many packets of a service could not be recorded.
    pub(super) fn deferred(&self, service: u32) -> Result<u64, DataplaneError> {
        let counts = self.deferred.get(&service, 0);
        Ok(counts.map_err(map_error("look-up", names::DEFERRED))?.iter().sum())
    }

    pub(super) fn zero_deferred(&mut self, service: u32) -> Result<(), DataplaneError> {
        zero(&mut self.deferred, names::DEFERRED, service)
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
    pub(super) fn fixed_fill(&self) -> Vec<MapFill> {
        let egress = self.egress.keys().count() as u64;
        vec![MapFill::new(names::EGRESS, egress, INTERFACES)]
    }
}

pub(super) fn take<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, DataplaneError> {
    let map = ebpf
        .take_map(name)
        .ok_or_else(|| DataplaneError::Setup(format!("the object has no map {name}")))?;
    map.try_into().map_err(map_error("open", name))
}

/// Sets the counters of an index to zero on every CPU.
pub(super) fn zero<V: aya::Pod + Default + Clone>(
    map: &mut PerCpuArray<MapData, V>,
    name: &'static str,
    index: u32,
) -> Result<(), DataplaneError> {
    set_all(map, name, index, V::default())
}

fn set_all<V: aya::Pod>(
    map: &mut PerCpuArray<MapData, V>,
    name: &'static str,
    index: u32,
    value: V,
) -> Result<(), DataplaneError> {
    let values = PerCpuValues::try_from(vec![value; cpus()?]).map_err(io_error("write", name))?;
    map.set(index, values, 0).map_err(map_error("write", name))
}

/// CPUs that there can be.
pub(super) fn cpus() -> Result<usize, DataplaneError> {
    nr_cpus().map_err(|(path, e)| DataplaneError::Setup(format!("{path}: {e}")))
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

pub(super) fn io_error(
    operation: &'static str,
    map: &'static str,
) -> impl Fn(std::io::Error) -> DataplaneError {
    move |error| DataplaneError::Map { operation, map, cause: error.to_string() }
}
