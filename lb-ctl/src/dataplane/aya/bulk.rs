//! Reading and writing many elements of arrays at once.

use std::os::fd::AsFd as _;
use std::path::Path;

use aya::Pod;
use aya::maps::MapData;
use lb_common::details::Details;
use lb_common::limits::maps as names;
use lb_common::value::{Load, Real, RealId, Stats};
use lb_common::verdict::REASONS;

use super::bpf_syscall;
use super::by_cpu::ByCpu;
use super::maps::{cpus, io_error, map_error};
use crate::dataplane::{Capacity, DataplaneError};

/// Second handles to maps, for what aya has no call for.
pub(super) struct Bulk {
    by_cpu: ByCpu,
    reals: MapData,
    details: MapData,
    loads: MapData,
    refusals: MapData,
}

impl Bulk {
    /// Opens the maps that are pinned in `directory`.
    pub(super) fn open(directory: &Path, capacity: Capacity) -> Result<Self, DataplaneError> {
        let open = |name| MapData::from_pin(directory.join(name)).map_err(map_error("open", name));
        Ok(Self {
            by_cpu: ByCpu::open(directory, capacity)?,
            reals: open(names::REALS)?,
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
            .map_err(io_error("update", names::REALS))?;
        for (id, real) in ids.into_iter().zip(&reals) {
            self.by_cpu.put_hop(id, real.hop());
        }
        Ok(())
    }

    /// Tells packets of all reals what stands in the table: an earlier daemon may have died before
    /// it did.
    pub(super) fn tell_of_reals(&mut self, count: u32) -> Result<(), DataplaneError> {
        for (id, real) in (0..).zip(self.read_reals(count)?) {
            self.by_cpu.put_hop(id, real.hop());
        }
        Ok(())
    }

    /// Counters of a service, summed over the CPUs.
    pub(super) fn service_stats(&self, id: u32) -> Stats {
        self.by_cpu.service(id)
    }

    /// Counters of a real, summed over the CPUs.
    pub(super) fn real_stats(&self, id: RealId) -> Stats {
        self.by_cpu.real(id)
    }

    pub(super) fn zero_reals(
        &mut self,
        ids: impl Iterator<Item = RealId>,
    ) -> Result<(), DataplaneError> {
        let ids: Vec<RealId> = ids.collect();
        let loads = vec![Load::default(); ids.len()];
        bpf_syscall::update_batch(self.loads.fd().as_fd(), &ids, &loads)
            .map_err(io_error("update", names::LOADS))?;
        for id in ids {
            self.by_cpu.zero_real(id);
        }
        Ok(())
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
        for id in ids {
            self.by_cpu.zero_service(id);
        }
        Ok(())
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
