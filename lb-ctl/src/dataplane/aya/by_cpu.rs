//! What packets find of reals and what they count: arrays that have a part for each CPU, in this
//! process's memory.
//!
//! A per-CPU array of the kernel would do, but its packets look for a pointer first, and it would be
//! written whole: counters together with what stands beside them.

use std::os::fd::AsFd as _;
use std::path::Path;

use aya::maps::MapData;
use lb_common::limits::maps as names;
use lb_common::value::{NextHop, RealId, RealLine, Stats};

use super::bpf_syscall::Words;
use super::maps::{cpus, io_error, map_error};
use crate::dataplane::{Capacity, DataplaneError};

/// The counters of services, and the lines of reals.
pub(super) struct ByCpu {
    services: Part,
    reals: Part,
}

impl ByCpu {
    /// Opens the maps that are pinned in `directory`.
    pub(super) fn open(directory: &Path, capacity: Capacity) -> Result<Self, DataplaneError> {
        let Capacity { services, reals, .. } = capacity;
        Ok(Self {
            services: Part::open::<Stats>(directory, names::SERVICE_STATS, services)?,
            reals: Part::open::<RealLine>(directory, names::REAL_LINES, reals)?,
        })
    }

    /// Counters of a service, summed over the CPUs.
    pub(super) fn service(&self, id: u32) -> Stats {
        self.services.sum(id)
    }

    /// Counters of a real, summed over the CPUs.
    pub(super) fn real(&self, id: RealId) -> Stats {
        self.reals.sum(id)
    }

    pub(super) fn zero_service(&self, id: u32) {
        self.services.zero(id);
    }

    pub(super) fn zero_real(&self, id: RealId) {
        self.reals.zero(id);
    }

    /// Tells the packets of every CPU of a real. Whose it is, and whether packets may be sent to it,
    /// comes last; where they may not, it is all that is told: one that has just seen that they may
    /// goes on to read where to.
    pub(super) fn put_hop(&self, id: RealId, hop: NextHop) {
        let words = hop.to_words();
        let last = NextHop::WORD_OF_FLAGS;
        let others = (0..words.len()).filter(|index| *index != last && hop.forwards());
        for index in others.chain([last]) {
            for first in self.reals.elements(id) {
                // A cache line that is not written stays with the CPU that counts in it.
                if self.reals.words.get(first + index) != words[index] {
                    self.reals.words.set(first + index, words[index]);
                }
            }
        }
    }
}

/// One of the arrays, whose elements end with their counters.
struct Part {
    words: Words,
    cpus: usize,
    /// Elements of each CPU.
    count: usize,
    /// Words of an element.
    size: usize,
}

impl Part {
    /// Opens the array that has so many elements, an `E` each, for each CPU.
    fn open<E>(directory: &Path, name: &'static str, count: u32) -> Result<Self, DataplaneError> {
        let map = MapData::from_pin(directory.join(name)).map_err(map_error("open", name))?;
        let (cpus, count) = (cpus()?, count as usize);
        let size = size_of::<E>() / size_of::<u64>();
        let words = Words::of(map.fd().as_fd(), cpus * count * size);
        Ok(Self { words: words.map_err(io_error("map", name))?, cpus, count, size })
    }

    /// The first word of the element that each CPU has of this one.
    fn elements(&self, id: u32) -> impl Iterator<Item = usize> + use<> {
        let Self { cpus, count, size, .. } = *self;
        assert!((id as usize) < count, "the array has the element");
        (0..cpus).map(move |cpu| (cpu * count + id as usize) * size)
    }

    /// The first word of the counters that each CPU has of it.
    fn counters(&self, id: u32) -> impl Iterator<Item = usize> + use<> {
        let before = self.size - Stats::WORDS;
        self.elements(id).map(move |element| element + before)
    }

    fn sum(&self, id: u32) -> Stats {
        let mut total = Stats::default();
        for counters in self.counters(id) {
            let word = |index| self.words.get(counters + index);
            total += Stats::from_words([word(0), word(1), word(2), word(3)]);
        }
        total
    }

    fn zero(&self, id: u32) {
        for counters in self.counters(id) {
            for index in 0..Stats::WORDS {
                self.words.set(counters + index, 0);
            }
        }
    }
}
