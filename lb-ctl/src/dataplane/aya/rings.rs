//! Rings and orders: one array for each service, exchanged whole.
//!
//! A ring is the only value of its array, so that it is written and read by one call. All have the
//! same number of slots: then the kernel puts the look-up into the program, without a call and
//! without a look at the array's own header (`array_map_gen_lookup`), and a small ring lies in the
//! kernel's direct map, whose pages are large (`bpf_map_area_alloc`).
//!
//! Orders differ in size. Each place is a value of its own.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;
use std::thread;

use aya::Ebpf;
use aya::maps::{ArrayOfMaps, MapData, MapError};
use aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_ARRAY;
use lb_common::limits::maps as names;
use lb_common::ring::Slot;
use nix::sys::resource::{Resource, getrlimit};

use super::maps::{io_error, map_error, take};
use super::{bpf_syscall, inspect};
use crate::dataplane::DataplaneError;

/// The inner map may have another size than its neighbours.
const BPF_F_INNER_MAP: u32 = 1 << 12;
/// The map's memory can be mapped.
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Threads that wait for the kernel together.
const THREADS: u32 = 64;

/// The rings, or the orders, of all services.
pub(super) struct Rings {
    outer: ArrayOfMaps<MapData>,
    /// A second handle to the same map, for what aya has no call for.
    raw: MapData,
    name: &'static str,
}

/// Makes the map of the rings, with room for so many services, and pins it in `directory`, where it
/// is not there yet. The object cannot: how many slots a ring has is known no sooner than here.
pub(super) fn make(directory: &Path, services: u32, slots: u32) -> Result<(), DataplaneError> {
    let pin = directory.join(names::RINGS);
    if pin.exists() {
        return Ok(());
    }
    let like = new_ring(slots as usize)?;
    let rings = bpf_syscall::create_array_of_maps(names::RINGS, services, like.fd().as_fd());
    let rings = rings.map_err(io_error("create", names::RINGS))?;
    let rings = MapData::from_fd(rings).map_err(map_error("open", names::RINGS))?;
    rings.pin(&pin).map_err(|error| DataplaneError::Map {
        operation: "pin",
        map: names::RINGS,
        cause: error.to_string(),
    })
}

/// A ring of nobody's slots.
fn new_ring(slots: usize) -> Result<MapData, DataplaneError> {
    new_array(slots * size_of::<u64>(), 1, 0).map_err(map_error("create a ring for", names::RINGS))
}

/// An order of nobody's places.
fn new_order(places: usize) -> Result<MapData, DataplaneError> {
    new_array(size_of::<u64>(), places, BPF_F_INNER_MAP | BPF_F_MMAPABLE)
        .map_err(map_error("create an order for", names::ORDERS))
}

fn new_array(value_size: usize, entries: usize, flags: u32) -> Result<MapData, MapError> {
    let definition = aya_obj::Map::new_from_params(
        BPF_MAP_TYPE_ARRAY as u32,
        size_of::<u32>() as u32,
        value_size as u32,
        entries as u32,
        flags,
    );
    MapData::create(definition, "RING", None)
}

/// Fills a ring that stands in no service yet.
fn filled_ring(bits: &[u64]) -> Result<MapData, DataplaneError> {
    let ring = new_ring(bits.len())?;
    bpf_syscall::write_only(ring.fd().as_fd(), bits)
        .map_err(io_error("fill a ring for", names::RINGS))?;
    Ok(ring)
}

/// The same for an order.
fn filled_order(bits: &[u64]) -> Result<MapData, DataplaneError> {
    let order = new_order(bits.len())?;
    bpf_syscall::fill(order.fd().as_fd(), bits)
        .map_err(io_error("fill an order for", names::ORDERS))?;
    Ok(order)
}

impl Rings {
    /// Those of a loaded object whose maps are pinned in `directory`, by the map's name.
    pub(super) fn take(
        ebpf: &mut Ebpf,
        directory: &Path,
        name: &'static str,
    ) -> Result<Self, DataplaneError> {
        let raw = MapData::from_pin(directory.join(name)).map_err(map_error("open", name))?;
        Ok(Self { outer: take(ebpf, name)?, raw, name })
    }

    /// How many services there can be.
    pub(super) fn len(&self) -> u32 {
        self.outer.len()
    }

    /// [`Self::put`] for slots.
    pub(super) fn put_slots<'a>(
        &mut self,
        rings: impl IntoIterator<Item = (u32, Cow<'a, [Slot]>)>,
    ) -> Result<(), DataplaneError> {
        let bits = |slots: Cow<'_, [Slot]>| slots.iter().map(|slot| slot.to_bits()).collect();
        self.put(rings.into_iter().map(|(service, slots)| (service, bits(slots))), filled_ring)
    }

    /// [`Self::put`] for places.
    pub(super) fn put_places(
        &mut self,
        orders: impl IntoIterator<Item = (u32, Vec<u64>)>,
    ) -> Result<(), DataplaneError> {
        self.put(orders, filled_order)
    }

    /// Fills new maps and puts them in the place of these services' rings, many with one wait: the
    /// kernel returns when no packet sees an old one any more (`maybe_wait_bpf_programs`).
    fn put(
        &mut self,
        rings: impl IntoIterator<Item = (u32, Vec<u64>)>,
        filled: impl Fn(&[u64]) -> Result<MapData, DataplaneError>,
    ) -> Result<(), DataplaneError> {
        let at_once = at_once();
        let mut services = Vec::new();
        let mut maps = Vec::new();
        for (service, bits) in rings {
            services.push(service);
            maps.push(filled(&bits)?);
            if maps.len() == at_once {
                self.exchange(&services, &maps)?;
                services.clear();
                maps.clear();
            }
        }
        self.exchange(&services, &maps)
    }

    fn exchange(&self, services: &[u32], rings: &[MapData]) -> Result<(), DataplaneError> {
        let fds: Vec<u32> =
            rings.iter().map(|ring| ring.fd().as_fd().as_raw_fd().cast_unsigned()).collect();
        bpf_syscall::update_batch(self.raw.fd().as_fd(), services, &fds)
            .map_err(io_error("update", self.name))
    }

    /// What the kernel has set aside for the ring of a service, in bytes; 0 where it has none.
    pub(super) fn memory(&self, service: u32) -> Result<u64, DataplaneError> {
        match self.outer.get(&service, 0) {
            Ok(ring) => inspect::memory(&ring),
            Err(MapError::KeyNotFound) => Ok(0),
            Err(error) => Err(map_error("look-up", self.name)(error)),
        }
    }

    /// Removes those of these services. They may be gone already: an earlier daemon's orders are taken
    /// to be there wherever a scheduler asks for one, and a service without reals has none.
    ///
    /// The kernel lets each removal wait until no packet sees the ring any more, some milliseconds
    /// (`maybe_wait_bpf_programs`); the removals of several threads wait for the same.
    pub(super) fn remove(&mut self, services: &[u32]) -> Result<(), DataplaneError> {
        let share = services.len().div_ceil(THREADS as usize).max(1);
        in_threads(services.chunks(share), |services| self.remove_some(services)).map(drop)
    }

    fn remove_some(&self, services: &[u32]) -> Result<(), DataplaneError> {
        for service in services {
            match bpf_syscall::delete_element(self.raw.fd().as_fd(), *service) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("delete", self.name)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The rings there are, by service.
    ///
    /// Up to Linux 6.7 the kernel makes each look-up in a map of maps wait until no program runs
    /// that was running when it began; the look-ups of several threads wait for the same.
    pub(super) fn read(&self, slots: u32) -> Result<Vec<(u32, Vec<Slot>)>, DataplaneError> {
        let share = self.outer.len().div_ceil(THREADS).max(1);
        let shares = (0..self.outer.len()).step_by(share as usize);
        let shares = shares.map(|first| first..self.outer.len().min(first + share));
        let parts = in_threads(shares, |services| self.read_some(services, slots))?;
        Ok(parts.concat())
    }

    fn read_some(
        &self,
        services: Range<u32>,
        slots: u32,
    ) -> Result<Vec<(u32, Vec<Slot>)>, DataplaneError> {
        let mut rings = Vec::new();
        for service in services {
            match self.outer.get(&service, 0) {
                Ok(ring) => {
                    let slots =
                        read_slots(&ring, slots).map_err(io_error("read a ring of", self.name))?;
                    rings.push((service, slots));
                }
                Err(MapError::KeyNotFound) => {}
                Err(error) => return Err(map_error("look-up", self.name)(error)),
            }
        }
        Ok(rings)
    }
}

/// Reads a ring of so many slots.
pub(super) fn read_slots(ring: &MapData, slots: u32) -> io::Result<Vec<Slot>> {
    let bits = bpf_syscall::read_only(ring.fd().as_fd(), slots as usize)?;
    Ok(bits.into_iter().map(Slot::from_bits).collect())
}

/// Does something with each share, each in a thread of its own; where there is but one, in this.
fn in_threads<S: Send, T: Send>(
    shares: impl Iterator<Item = S>,
    work: impl Fn(S) -> Result<T, DataplaneError> + Sync,
) -> Result<Vec<T>, DataplaneError> {
    let shares: Vec<_> = shares.collect();
    if shares.len() == 1 {
        return shares.into_iter().map(work).collect();
    }
    thread::scope(|scope| {
        let work = &work;
        let begin = |share| scope.spawn(move || work(share));
        let threads: Vec<_> = shares.into_iter().map(begin).collect();
        let end = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(end).collect()
    })
}

/// How many rings are put at once. Each is an open file until it is in its place: half of what may
/// be open is left to others.
fn at_once() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft as usize);
    (limit / 2).clamp(64, 2048)
}
