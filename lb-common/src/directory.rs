//! Where a service stands in its table: a hash without collisions, so that a look-up reads one
//! displacement and one entry, whatever the number of services.
//!
//! User space looks for a seed and, for each bucket of keys, a displacement that sends every key to
//! a slot of its own (F. C. Botelho et al., "Hash, displace, and compress", ESA 2009). A table has
//! two halves: the one that is not read is written, then a single word exchanges them.

use crate::be::Address;
use crate::hash::service_hash;
use crate::key::ServiceKey;
use crate::value::Service;

/// The fractional part of the golden ratio, made odd.
const GOLDEN: u32 = 0x9e37_79b1;

/// Slots for each bucket, a power of two.
const SLOTS_OF_A_BUCKET: u32 = 4;

/// The bit of [`Directory::has_wide`].
const WIDE: u64 = 1 << 1;

/// Which half of a table is in use, and the seed that it was made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Directory(u64);

impl Directory {
    /// The directory of a half, 0 or 1.
    pub const fn new(seed: u32, half: u32) -> Self {
        Self((seed as u64) << 32 | half as u64)
    }

    /// This directory, told whether there are services beside it that have more than one port.
    #[must_use]
    pub const fn with_wide(self, wide: bool) -> Self {
        Self(self.0 & !WIDE | if wide { WIDE } else { 0 })
    }

    /// Whether a packet whose service is not found here may belong to one of several ports.
    #[inline(always)]
    pub const fn has_wide(self) -> bool {
        self.0 & WIDE != 0
    }

    /// The seed.
    #[inline(always)]
    pub const fn seed(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The half in use.
    #[inline(always)]
    pub const fn half(self) -> u32 {
        self.0 as u32 & 1
    }

    /// The half that is not in use.
    pub const fn other_half(self) -> u32 {
        1 - self.half()
    }
}

/// The size of a half. Buckets and slots are powers of two, so that neither is searched for nor
/// divided by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    buckets: u32,
}

impl Shape {
    /// A half with so many buckets, a power of two of 2^29 at most.
    #[inline(always)]
    pub const fn new(buckets: u32) -> Self {
        Self { buckets }
    }

    /// A half that has room for so many services.
    pub const fn of(services: u32) -> Self {
        let slots = (services + services / 4).next_power_of_two();
        Self { buckets: if slots < SLOTS_OF_A_BUCKET { 1 } else { slots / SLOTS_OF_A_BUCKET } }
    }

    /// Slots of a half.
    #[inline(always)]
    pub const fn slots(self) -> u32 {
        self.buckets * SLOTS_OF_A_BUCKET
    }

    /// Buckets of a half.
    #[inline(always)]
    pub const fn buckets(self) -> u32 {
        self.buckets
    }

    /// The bucket of a key, within a half.
    #[inline(always)]
    pub const fn bucket(self, hash: u64) -> u32 {
        hash as u32 & (self.buckets - 1)
    }

    /// The slot of a key whose bucket has this displacement, within a half.
    #[inline(always)]
    pub const fn slot(self, hash: u64, displacement: u32) -> u32 {
        // The multiplication sends two keys that meet under one displacement apart under another.
        let spread = ((hash >> 32) as u32 ^ displacement).wrapping_mul(GOLDEN);
        ((spread as u64 * self.slots() as u64) >> 32) as u32
    }
}

/// What stands in a slot. A zeroed one is nobody's: no packet has protocol zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Entry<A> {
    /// The service's key.
    pub key: ServiceKey<A>,
    /// The service.
    pub service: Service,
}

/// Finds a service: `displacement` and `entry` read the table, at indices that count both halves.
#[inline(always)]
pub fn find<A: Address>(
    directory: Directory,
    shape: Shape,
    key: &ServiceKey<A>,
    displacement: impl FnOnce(u32) -> Option<u32>,
    entry: impl FnOnce(u32) -> Option<Entry<A>>,
) -> Option<Service> {
    let hash = service_hash(directory.seed(), key);
    // All bits or none: which half it is costs a word less than how far that is away.
    let second = directory.half().wrapping_neg();
    let displacement = displacement(second & shape.buckets() | shape.bucket(hash))?;
    let found = entry(second & shape.slots() | shape.slot(hash, displacement))?;
    (found.key == *key).then_some(found.service)
}

const _: () = {
    assert!(size_of::<Directory>() == 8);
    assert!(size_of::<Entry<crate::be::Be32>>() == 16);
    assert!(size_of::<Entry<crate::be::Be128>>() == 28);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_has_room_for_its_services() {
        for services in [1, 2, 3, 5, 100, 4096, 10_000, 65_536] {
            let shape = Shape::of(services);
            assert!(shape.slots() > services && shape.slots().is_power_of_two());
            assert!(shape.buckets() > 0);
        }
    }

    #[test]
    fn the_halves_take_turns() {
        let directory = Directory::new(u32::MAX, 1);
        assert_eq!((directory.seed(), directory.half(), directory.other_half()), (u32::MAX, 1, 0));
        assert_eq!(Directory::default().half(), 0);
        let wide = directory.with_wide(true);
        assert_eq!((wide.seed(), wide.half(), wide.has_wide()), (u32::MAX, 1, true));
        assert_eq!(wide.with_wide(false), directory);
    }
}
