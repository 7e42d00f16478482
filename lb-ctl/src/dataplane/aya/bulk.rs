//! Writing many elements of an array with one call.

use std::os::fd::AsFd as _;
use std::path::Path;

use aya::Pod;
use aya::maps::MapData;
use lb_common::details::Details;
use lb_common::limits::maps as names;
use lb_common::value::{Load, Real, RealId, Stats};
use lb_common::verdict::REASONS;

use super::bpf_syscall;
use super::maps::{cpus, io_error, map_error};
use crate::dataplane::DataplaneError;

/// Second handles to maps, for what aya has no call for.
pub(super) struct Bulk {
    reals: MapData,
    real_stats: MapData,
    service_stats: MapData,
    details: MapData,
    loads: MapData,
    refusals: MapData,
}

impl Bulk {
    /// Opens the maps that are pinned in `directory`.
    pub(super) fn open(directory: &Path) -> Result<Self, DataplaneError> {
        let open = |name| MapData::from_pin(directory.join(name)).map_err(map_error("open", name));
        Ok(Self {
            reals: open(names::REALS)?,
            real_stats: open(names::REAL_STATS)?,
            service_stats: open(names::SERVICE_STATS)?,
            details: open(names::DETAILS)?,
            loads: open(names::LOADS)?,
            refusals: open(names::REFUSALS)?,
        })
    }

    /// The first `count` slots of the reals table.
    pub(super) fn read_reals(&self, count: u32) -> Result<Vec<Real>, DataplaneError> {
        bpf_syscall::read_array(self.reals.fd().as_fd(), count)
            .map_err(io_error("read", names::REALS))
    }

    pub(super) fn put_reals(
        &mut self,
        reals: impl Iterator<Item = (RealId, Real)>,
    ) -> Result<(), DataplaneError> {
        let (ids, reals): (Vec<u32>, Vec<Real>) = reals.unzip();
        bpf_syscall::update_batch(self.reals.fd().as_fd(), &ids, &reals)
            .map_err(io_error("update", names::REALS))
    }

    pub(super) fn zero_reals(
        &mut self,
        ids: impl Iterator<Item = RealId>,
    ) -> Result<(), DataplaneError> {
        let ids: Vec<RealId> = ids.collect();
        let loads = vec![Load::default(); ids.len()];
        bpf_syscall::update_batch(self.loads.fd().as_fd(), &ids, &loads)
            .map_err(io_error("update", names::LOADS))?;
        zero::<Stats>(&self.real_stats, names::REAL_STATS, ids.into_iter())
    }

    pub(super) fn put_load(&mut self, id: RealId, load: Load) -> Result<(), DataplaneError> {
        bpf_syscall::update_batch(self.loads.fd().as_fd(), &[id], &[load])
            .map_err(io_error("update", names::LOADS))
    }

    pub(super) fn load(&self, id: RealId) -> Result<Load, DataplaneError> {
        let loads = bpf_syscall::read_array(self.loads.fd().as_fd(), id + 1);
        let loads: Vec<Load> = loads.map_err(io_error("read", names::LOADS))?;
        Ok(loads.last().copied().unwrap_or_default())
    }

    /// What stands beside the first `count` services.
    pub(super) fn read_details(&self, count: u32) -> Result<Vec<Details>, DataplaneError> {
        bpf_syscall::read_array(self.details.fd().as_fd(), count)
            .map_err(io_error("read", names::DETAILS))
    }

    pub(super) fn put_details(
        &mut self,
        details: impl Iterator<Item = (u32, Details)>,
    ) -> Result<(), DataplaneError> {
        let (ids, details): (Vec<u32>, Vec<Details>) = details.unzip();
        bpf_syscall::update_batch(self.details.fd().as_fd(), &ids, &details)
            .map_err(io_error("update", names::DETAILS))
    }

    /// How many packets of a service were not forwarded, by reason, summed over the CPUs.
    pub(super) fn refusals(&self, service: u32) -> Result<Vec<u64>, DataplaneError> {
        let reasons = service * REASONS..(service + 1) * REASONS;
        let cpus = cpus()?;
        let counts: Vec<u64> = bpf_syscall::read_per_cpu(self.refusals.fd().as_fd(), reasons, cpus)
            .map_err(io_error("read", names::REFUSALS))?;
        Ok(counts.chunks(cpus).map(|of_cpus| of_cpus.iter().sum()).collect())
    }

    pub(super) fn zero_services(
        &mut self,
        ids: impl Iterator<Item = u32>,
    ) -> Result<(), DataplaneError> {
        let ids: Vec<u32> = ids.collect();
        let refusals = ids.iter().flat_map(|id| (0..REASONS).map(move |r| id * REASONS + r));
        zero::<u64>(&self.refusals, names::REFUSALS, refusals)?;
        zero::<Stats>(&self.service_stats, names::SERVICE_STATS, ids.into_iter())
    }
}

/// Sets the elements of a per-CPU array to zero on every CPU.
fn zero<V: Pod + Default>(
    map: &MapData,
    name: &'static str,
    ids: impl Iterator<Item = u32>,
) -> Result<(), DataplaneError> {
    const { assert!(size_of::<V>().is_multiple_of(8)) };
    let cpus = cpus()?;
    let ids: Vec<u32> = ids.collect();
    let values = vec![V::default(); ids.len() * cpus];
    bpf_syscall::update_batch_per_cpu(map.fd().as_fd(), &ids, &values, cpus)
        .map_err(io_error("write", name))
}
