//! Writing many elements of an array with one call.

use std::os::fd::AsFd as _;
use std::path::Path;

use aya::Pod;
use aya::maps::MapData;
use lb_common::limits::maps as names;
use lb_common::value::{Real, RealId, Stats};

use super::bpf_syscall;
use super::maps::{cpus, io_error, map_error};
use crate::dataplane::DataplaneError;

/// Second handles to maps, for what aya has no call for.
pub(super) struct Bulk {
    reals: MapData,
    real_stats: MapData,
    service_stats: MapData,
}

impl Bulk {
    /// Opens the maps that are pinned in `directory`.
    pub(super) fn open(directory: &Path) -> Result<Self, DataplaneError> {
        let open = |name| MapData::from_pin(directory.join(name)).map_err(map_error("open", name));
        Ok(Self {
            reals: open(names::REALS)?,
            real_stats: open(names::REAL_STATS)?,
            service_stats: open(names::SERVICE_STATS)?,
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
        zero::<Stats>(&self.real_stats, names::REAL_STATS, ids)
    }

    pub(super) fn zero_services(
        &mut self,
        ids: impl Iterator<Item = u32>,
    ) -> Result<(), DataplaneError> {
        zero::<Stats>(&self.service_stats, names::SERVICE_STATS, ids)
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
