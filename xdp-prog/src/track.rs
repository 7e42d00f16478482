//! What to do with a flow that the connection table does not bind to a real.

use lb_common::ring::Slot;
use lb_common::value::{RealId, Tracking};

use crate::conn;

/// What becomes of a flow that is not in the table. Numbers beside an id, not an enum that holds
/// one: the verifier refuses to copy a payload that one of the variants does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fate {
    /// The real it goes to.
    pub real: RealId,
    /// Whether it is recorded.
    pub record: bool,
    /// Whether it should be recorded, but too many were of late.
    pub defer: bool,
}

impl Fate {
    #[inline(always)]
    const fn hashed(real: RealId) -> Self {
        Self { real, record: false, defer: false }
    }

    #[inline(always)]
    const fn recorded(real: RealId) -> Self {
        Self { real, record: true, defer: false }
    }
}

/// The fate of a flow that is not in the table, whose slot of the ring this is. `may_record` is
/// asked only where every flow is not recorded in any case.
///
/// In a slot that is on its way a SYN begins a connection with the new owner; anything else
/// belongs to one from before, and stays with the old. What may not be recorded goes to the old
/// owner, begun or not: there its later packets go too.
#[inline(always)]
pub fn fate(
    tracking: Tracking,
    slot: Slot,
    tcp_flags: Option<u8>,
    may_record: impl FnOnce() -> bool,
) -> Fate {
    let begins = match tcp_flags {
        Some(flags) => conn::opens(flags),
        // Where every flow is recorded, one that is not has just begun.
        None => matches!(tracking, Tracking::Full),
    };
    let owner = if begins { slot.current() } else { slot.origin() };
    if matches!(tracking, Tracking::Full) {
        Fate::recorded(owner)
    } else if !slot.is_unsettled() {
        Fate::hashed(slot.current())
    } else if may_record() {
        Fate::recorded(owner)
    } else {
        Fate { defer: true, ..Fate::hashed(slot.origin()) }
    }
}
