//! What only some packets of a service need to know of it.

use crate::be::Be16;
use crate::timeout::Timeouts;
use crate::value::Ticks;

/// How a real is picked for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u32)]
pub enum Picking {
    /// By the slot of the ring that the flow's hash names.
    #[default]
    Hash = 0,
    /// By the place of the order whose turn it is.
    Turns = 1,
    /// The fewest connections: an established one counts as 256 others, as in IPVS's lc.
    Least = 2,
    /// The fewest connections in relation to the weight, counted in the same way (wlc).
    LeastWeighted = 3,
    /// The shortest expected delay: established connections and the new one, in relation to the
    /// weight (sed).
    ShortestDelay = 4,
    /// Any that has no established connection, else the shortest expected delay (nq).
    NeverQueue = 5,
}

impl Picking {
    /// The picking of this number.
    #[inline(always)]
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Turns,
            2 => Self::Least,
            3 => Self::LeastWeighted,
            4 => Self::ShortestDelay,
            5 => Self::NeverQueue,
            _ => Self::Hash,
        }
    }

    /// Whether it asks how many connections each real has.
    pub const fn counts_load(self) -> bool {
        !matches!(self, Self::Hash | Self::Turns)
    }
}

/// Bits of [`Details::flags`].
pub mod details_flags {
    /// The service has source lists.
    pub const SOURCES: u32 = 1;
    /// A source that stands in no list is denied.
    pub const DENY_OTHERS: u32 = 1 << 1;
    /// The packets of a connection whose real is gone are dropped, not scheduled anew.
    pub const KEEP_DEAD: u32 = 1 << 2;
    /// A real of the service is the director itself.
    pub const HAS_LOCAL: u32 = 1 << 3;
}

/// What stands beside a service, in one cache line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Details {
    /// How long its connections are remembered.
    pub timeouts: Timeouts,
    /// How long a client stays with a real; 0 where it does not.
    pub persistence: Ticks,
    /// A [`Picking`], as a number: a later version's must not be undefined behaviour here.
    pub picking: u32,
    /// Places of the service's order, where it has one: a power of two for [`Picking::Turns`].
    pub places: u32,
    /// See [`details_flags`].
    pub flags: u32,
    /// What clients that stay together have in common: the netmask, as it would stand on the wire.
    pub mask: [u32; 4],
    /// The port of templates: the service's lowest, 0 where it has every port.
    pub port: Be16,
    /// Always zero.
    pub pad: [u16; 7],
}

impl Details {
    /// How a real is picked.
    #[inline(always)]
    pub const fn picking(&self) -> Picking {
        Picking::from_number(self.picking)
    }

    /// Whether it has this one of [`details_flags`].
    #[inline(always)]
    pub const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

const _: () = assert!(size_of::<Details>() == 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_their_pickings() {
        for number in 0..6 {
            assert_eq!(Picking::from_number(number) as u32, number);
        }
        assert_eq!(Picking::from_number(77), Picking::Hash);
    }
}
