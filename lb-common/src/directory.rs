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

/// Four slots for each bucket.
const SLOTS_OF_A_BUCKET_BITS: u32 = 2;

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

/// The size of a half: slots, a power of two, told by its exponent, which spares packets a search
/// for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    bits: u32,
}

impl Shape {
    /// A half with two to the power of `bits` slots, where `bits` is 2 to 31.
    #[inline(always)]
    pub const fn new(bits: u32) -> Self {
        Self { bits }
    }

    /// A half that has room for so many services.
    pub const fn of(services: u32) -> Self {
        let bits = (services + services / 4).next_power_of_two().trailing_zeros();
        Self { bits: if bits < SLOTS_OF_A_BUCKET_BITS { SLOTS_OF_A_BUCKET_BITS } else { bits } }
    }

    /// The exponent of the number of slots.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Slots of a half.
    #[inline(always)]
    pub const fn slots(self) -> u32 {
        1 << self.bits
    }

    /// Buckets of a half.
    #[inline(always)]
    pub const fn buckets(self) -> u32 {
        1 << (self.bits - SLOTS_OF_A_BUCKET_BITS)
    }

    /// The bucket of a key, within a half.
    #[inline(always)]
    pub const fn bucket(self, hash: u64) -> u32 {
        hash as u32 & (self.buckets() - 1)
    }

    /// The slot of a key whose bucket has this displacement, within a half.
    #[inline(always)]
    pub const fn slot(self, hash: u64, displacement: u32) -> u32 {
        // The multiplication sends two keys that meet under one displacement apart under another.
        let spread = ((hash >> 32) as u32 ^ displacement).wrapping_mul(GOLDEN);
        spread >> (u32::BITS - self.bits)
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
    let half = directory.half();
    let bucket = half << (shape.bits - SLOTS_OF_A_BUCKET_BITS) | shape.bucket(hash);
    let displacement = displacement(bucket)?;
    let found = entry(half << shape.bits | shape.slot(hash, displacement))?;
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
