//! What to do with a flow that the connection table does not bind to a real.

use lb_common::key::FlowKey;
use lb_common::ring::Slot;
use lb_common::value::{Connection, RealId, Service, Ticks, Tracking};

use crate::conn::{self, Control};
use crate::tables::{FamilyTables, Tables};

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
    /// Whether a connection begins, as far as can be told.
    pub opens: bool,
}

impl Fate {
    /// The fate of a packet of which nothing is written down.
    #[inline(always)]
    pub const fn hashed(real: RealId, opens: bool) -> Self {
        Self { real, record: false, defer: false, opens }
    }

    /// The fate of a connection whose client stays with a real.
    #[inline(always)]
    pub const fn staying(real: RealId, opens: bool, may_record: bool) -> Self {
        Self { real, record: may_record, defer: !may_record, opens: opens || may_record }
    }
}

/// The fate of a flow that is not in the table, whose slot of the ring this is. `may_record` is
/// asked only where it matters.
///
/// In a slot that is on its way a SYN begins a connection with the new owner; anything else may
/// belong to one from before, and stays with the old. What may not be recorded goes to the old
/// owner, begun or not: there its later packets go too. So a flood of new flows can delay a change,
/// and push nothing out of the table.
#[inline(always)]
pub fn fate(
    tracking: Tracking,
    slot: Slot,
    control: Control,
    may_record: impl FnOnce() -> bool,
) -> Fate {
    let full = matches!(tracking, Tracking::Full);
    let opens = control.opens();
    if !full && !slot.is_unsettled() {
        return Fate::hashed(slot.current(), opens);
    }
    if !may_record() {
        return Fate { real: slot.origin(), record: false, defer: true, opens };
    }
    let owner = if opens { slot.current() } else { slot.origin() };
    Fate { real: owner, record: true, defer: false, opens: opens || full }
}

/// Writes down what became of a flow, once its packet is on its way.
#[inline(always)]
pub fn note<A, T>(
    tables: &T,
    service: Service,
    flow: &FlowKey<A>,
    control: Control,
    fate: &Fate,
    now: Ticks,
) where
    T: Tables + FamilyTables<A> + ?Sized,
{
    if fate.defer {
        tables.count_deferred(service.id);
    }
    if !fate.record {
        return;
    }
    let Some((real, _)) = tables.real(fate.real) else { return };
    let state = conn::first_state(control);
    let connection = Connection { real: fate.real, generation: real.generation, seen: now, state };
    tables.store_connection(flow, &connection);
    conn::count_load(tables, service, fate.real, None, state);
}
