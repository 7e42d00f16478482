//! The slots of a service's ring.

use crate::value::{NO_REAL, RealId};

/// Set in [`Slot::origin`]'s word where the connection table may hold flows of this slot that
/// belong to another real than the slot says.
const ENTRIES: u32 = 1 << 31;

/// The largest real id that a slot can hold.
pub const MAX_REAL_ID: RealId = ENTRIES - 1;

/// What a slot of a ring says: who gets new connections, and who had them before the last change.
///
/// | | | a flow that is not in the table goes to |
/// |---|---|---|
/// | settled | `current` is `origin`, no mark | `current`, and the table is not asked at all |
/// | marked | `current` is `origin`, marked | `current` |
/// | unsettled | `current` is not `origin` | `current` where it begins, else `origin`; it is recorded |
///
/// In a map it is one number, so that no packet sees half of a change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Slot {
    current: RealId,
    /// The real that had the slot before, and [`ENTRIES`].
    origin: u32,
}

impl Slot {
    /// A slot that has always belonged to `real`.
    #[inline(always)]
    pub const fn settled(real: RealId) -> Self {
        Self { current: real, origin: real }
    }

    /// The slot that stands in a map as this number.
    ///
    /// A number, not a struct of two: up to Linux 6.1 an inner map fits its outer one only where
    /// both have a struct in BTF or neither has (`timer_off` in `bpf_map_meta_equal`).
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Self {
        Self { current: bits as u32, origin: (bits >> 32) as u32 }
    }

    /// The number as which the slot stands in a map.
    pub const fn to_bits(self) -> u64 {
        (self.origin as u64) << 32 | self.current as u64
    }

    /// A slot that goes from one real to another.
    pub const fn moving(origin: RealId, current: RealId) -> Self {
        Self { current, origin }
    }

    /// This slot with every flow that is not in the table given to `current`, while those in the
    /// table stay where they are.
    #[must_use]
    pub const fn marked(self) -> Self {
        Self { current: self.current, origin: self.current | ENTRIES }
    }

    /// Who gets new connections.
    #[inline(always)]
    pub const fn current(self) -> RealId {
        self.current
    }

    /// Who had the slot's flows before the last change.
    #[inline(always)]
    pub const fn origin(self) -> RealId {
        self.origin & !ENTRIES
    }

    /// Whether no flow of the slot is anywhere but with `current`.
    #[inline(always)]
    pub const fn is_settled(self) -> bool {
        self.current == self.origin
    }

    /// Whether the slot is on its way from one real to another.
    #[inline(always)]
    pub const fn is_unsettled(self) -> bool {
        self.origin() != self.current
    }

    /// Whether nobody has the slot.
    pub const fn is_empty(self) -> bool {
        self.current == NO_REAL && self.origin == NO_REAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_settled_marked_or_unsettled() {
        let settled = Slot::settled(7);
        assert!(settled.is_settled() && !settled.is_unsettled());
        let marked = settled.marked();
        assert!(!marked.is_settled() && !marked.is_unsettled());
        assert_eq!((marked.current(), marked.origin()), (7, 7));
        assert_eq!(Slot::from_bits(marked.to_bits()), marked);
        let moving = Slot::moving(7, 9);
        assert_eq!(Slot::from_bits(moving.to_bits()), moving);
        assert!(!moving.is_settled() && moving.is_unsettled());
        assert_eq!((moving.current(), moving.origin()), (9, 7));
        assert_eq!(moving.marked(), Slot::settled(9).marked());
    }

    #[test]
    fn a_zeroed_slot_is_nobodys() {
        assert!(Slot::default().is_empty());
        assert!(Slot::default().is_settled());
        assert!(!Slot::settled(NO_REAL).marked().is_empty());
    }
}
