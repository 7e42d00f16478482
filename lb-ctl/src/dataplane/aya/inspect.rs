//! Looking from outside at the maps that a daemon has pinned, for benches and tests.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::{Path, PathBuf};

use aya::maps::{ArrayOfMaps, Map, MapData, MapError};
use lb_common::limits::maps as names;
use lb_common::ring::Slot;
use lb_common::value::Real;

use super::maps::{io_error, map_error};
use super::open::entries;
use super::{bpf_syscall, rings};
use crate::dataplane::DataplaneError;

/// The maps of a daemon.
pub struct Inspector {
    rings: ArrayOfMaps<MapData>,
    reals: MapData,
    directory: PathBuf,
}

/// What the kernel has set aside for maps, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapMemory {
    /// For those whose size is set at the start.
    pub fixed: u64,
    /// For the rings that there are.
    pub rings: u64,
}

impl Inspector {
    /// Opens the maps that are pinned in `pin_dir`.
    ///
    /// # Errors
    ///
    /// No daemon has pinned maps there, or the kernel refuses.
    pub fn open(pin_dir: &Path) -> Result<Self, DataplaneError> {
        let maps = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("maps-"))
        };
        let directory = entries(pin_dir)?.into_iter().find(maps).ok_or_else(|| {
            DataplaneError::Setup(format!("no daemon has pinned maps in {}", pin_dir.display()))
        })?;
        let open = |name| MapData::from_pin(directory.join(name)).map_err(map_error("open", name));
        let rings = Map::from_map_data(open(names::RINGS)?)
            .and_then(TryInto::try_into)
            .map_err(map_error("open", names::RINGS))?;
        Ok(Self { rings, reals: open(names::REALS)?, directory })
    }

    /// The kernel's id of a service's ring, which changes with the ring; `None` without one.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn ring_id(&self, service: u32) -> Result<Option<u32>, DataplaneError> {
        let Some(ring) = self.ring_map(service)? else { return Ok(None) };
        Ok(Some(ring.info().map_err(map_error("ask for a ring of", names::RINGS))?.id()))
    }

    /// The slots of a service's ring; `None` without one.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn ring(&self, service: u32) -> Result<Option<Vec<Slot>>, DataplaneError> {
        let Some(ring) = self.ring_map(service)? else { return Ok(None) };
        let info = ring.info().map_err(map_error("ask for a ring of", names::RINGS))?;
        rings::read_slots(&ring, info.value_size() / size_of::<Slot>() as u32)
            .map(Some)
            .map_err(io_error("read a ring of", names::RINGS))
    }

    /// The first `count` slots of the reals table.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn reals(&self, count: u32) -> Result<Vec<Real>, DataplaneError> {
        bpf_syscall::read_array(self.reals.fd().as_fd(), count)
            .map_err(io_error("read", names::REALS))
    }

    /// What the maps take of the kernel's memory.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn memory(&self) -> Result<MapMemory, DataplaneError> {
        let fixed = names::ALL.iter().map(|name| memory_of(&self.directory, name));
        let fixed = fixed.sum::<Result<u64, DataplaneError>>()?;
        let services = 0..self.rings.len();
        let rings = services.filter_map(|service| self.ring_map(service).transpose());
        let rings = rings.map(|ring| memory(&ring?)).sum::<Result<u64, DataplaneError>>()?;
        Ok(MapMemory { fixed, rings })
    }

    fn ring_map(&self, service: u32) -> Result<Option<MapData>, DataplaneError> {
        loop {
            match self.rings.get(&service, 0) {
                Ok(ring) => return Ok(Some(ring)),
                Err(MapError::KeyNotFound) => return Ok(None),
                // The daemon has exchanged the ring since its id was asked for, and it is gone.
                Err(MapError::SyscallError(error))
                    if error.io_error.raw_os_error() == Some(libc::ENOENT) => {}
                Err(error) => return Err(map_error("look-up", names::RINGS)(error)),
            }
        }
    }
}

/// The same for the map of this name that is pinned in a directory.
pub(super) fn memory_of(directory: &Path, name: &'static str) -> Result<u64, DataplaneError> {
    memory(&MapData::from_pin(directory.join(name)).map_err(map_error("open", name))?)
}

/// What the kernel says that a map takes (`memlock` in its file's fdinfo), without the maps that it
/// holds.
pub(super) fn memory(map: &MapData) -> Result<u64, DataplaneError> {
    let path = format!("/proc/self/fdinfo/{}", map.fd().as_fd().as_raw_fd());
    let text = fs::read_to_string(&path)
        .map_err(|error| DataplaneError::Setup(format!("cannot read {path}: {error}")))?;
    let bytes = text.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok());
    bytes.ok_or_else(|| DataplaneError::Setup(format!("{path} has no line memlock")))
}
