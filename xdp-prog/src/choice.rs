//! On the long way: which real a packet goes to, and what is written down of it once it is gone.
//!
//! Both are apart from the packet, in numbers alone, so that the kernel can verify them once instead
//! of following them anew for each of the ways by which a packet's headers can have been read.

use lb_common::details::{Details, Picking, details_flags};
use lb_common::key::FlowKey;
use lb_common::ring::Slot;
use lb_common::value::{RealId, Service, Ticks, Tracking};
use lb_common::verdict::Reason;
use lb_common::wide::source;

use crate::conn::{self, Control};
use crate::forward::no_real;
use crate::ip::Ip;
use crate::read::{Read, kind};
use crate::tables::{FamilyTables, Tables};
use crate::track::{self, Fate};
use crate::{persist, sched};

/// A packet of a service, or a message about one.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Asked<A> {
    /// What it is.
    pub read: Read<A>,
    /// The service.
    pub service: Service,
    /// The time.
    pub now: Ticks,
    /// Always zero.
    pub pad: u32,
}

/// What of it stands in the way of a choice.
#[derive(Clone, Copy)]
struct Way<A> {
    /// A copy of its own: up to Linux 6.1 a map's key may not lie in memory that a function was
    /// given.
    flow: FlowKey<A>,
    service: Service,
    control: Control,
    now: Ticks,
    quoted: bool,
}

impl<A: Copy> Asked<A> {
    #[inline(always)]
    const fn way(&self) -> Way<A> {
        Way {
            flow: self.read.flow,
            service: self.service,
            control: self.read.control,
            now: self.now,
            quoted: self.read.is(kind::QUOTED),
        }
    }
}

/// The answer, as one number: the real, or why there is none; and how it came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice(u64);

const REFUSED: u64 = 1;
const RECORD: u64 = 1 << 1;
const DEFER: u64 = 1 << 2;
const OPENS: u64 = 1 << 3;
const BOUND: u64 = 1 << 4;
const STAYS: u64 = 1 << 5;
const ORDERED: u64 = 1 << 6;

const fn flag(holds: bool, flag: u64) -> u64 {
    if holds { flag } else { 0 }
}

impl Choice {
    #[inline(always)]
    const fn of(fate: Fate, more: u64) -> Self {
        let flags = flag(fate.record, RECORD) | flag(fate.defer, DEFER) | flag(fate.opens, OPENS);
        Self((fate.real as u64) << 32 | flags | more)
    }

    /// No real, for this reason.
    #[inline(always)]
    pub const fn refused(reason: Reason) -> Self {
        Self((reason as u64) << 32 | REFUSED)
    }

    /// The number.
    #[inline(always)]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The choice of a number that [`Self::to_bits`] gave.
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The real.
    #[inline(always)]
    pub const fn real(self) -> RealId {
        (self.0 >> 32) as RealId
    }

    /// Why there is none; `None` where there is one.
    #[inline(always)]
    pub const fn refusal(self) -> Option<Reason> {
        if !self.has(REFUSED) {
            return None;
        }
        // The reasons that a choice can have; another number is not to be undefined behaviour.
        Some(match self.real() {
            number if number == Reason::Denied as u32 => Reason::Denied,
            number if number == Reason::DeadReal as u32 => Reason::DeadReal,
            number if number == Reason::NoRealPassed as u32 => Reason::NoRealPassed,
            _ => Reason::NoReal,
        })
    }

    /// Whether a scheduler that is no hash is to be asked: see [`order`].
    #[inline(always)]
    pub const fn is_ordered(self) -> bool {
        self.has(ORDERED)
    }

    /// The same choice, but for the real.
    #[must_use]
    #[inline(always)]
    pub const fn of_real(self, real: RealId) -> Self {
        Self(self.0 & u32::MAX as u64 | (real as u64) << 32)
    }

    /// Whether a connection begins with the packet.
    #[inline(always)]
    pub const fn opens(self) -> bool {
        self.has(OPENS)
    }

    #[inline(always)]
    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    #[inline(always)]
    const fn fate(self) -> Fate {
        let (record, defer, opens) = (self.has(RECORD), self.has(DEFER), self.has(OPENS));
        Fate { real: self.real(), record, defer, opens }
    }
}

/// Chooses the real for a packet.
#[inline(always)]
pub fn choose<A, T>(tables: &T, asked: &Asked<A>) -> Choice
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let way = asked.way();
    let Way { service, control, now, .. } = way;
    let flow = &way.flow;
    let Some(details) = tables.details(service.id) else {
        return Choice::refused(no_real(service));
    };
    if details.has(details_flags::SOURCES) {
        let said = tables.source(service.id, &flow.source);
        let others = details.has(details_flags::DENY_OTHERS);
        if said == Some(source::DENY) || (said.is_none() && others) {
            return Choice::refused(Reason::Denied);
        }
    }
    let tracking = service.tracking();
    // A slot of nobody, not an option: the compiler may move what is not there, which the verifier
    // does not allow.
    let mut slot = Slot::default();
    if !matches!(tracking, Tracking::Full) {
        let Some(found) = sched::pick(tables, service, flow) else {
            return Choice::refused(no_real(service));
        };
        if found.is_settled() || matches!(tracking, Tracking::None) {
            return Choice::of(Fate::hashed(found.current(), control.opens()), 0);
        }
        slot = found;
    }
    if let Some((_, before, _)) = conn::bound(tables, flow, control, &details.timeouts, now) {
        return Choice::of(Fate::hashed(before.real, false), BOUND);
    }
    if details.has(details_flags::KEEP_DEAD)
        && conn::is_orphan(tables, flow, control, &details.timeouts, now)
    {
        return Choice::refused(Reason::DeadReal);
    }
    begin(tables, &way, details, slot)
}

/// The choice for a packet whose flow the connection table does not bind. `slot` is its slot of the
/// ring, but where every flow is tracked.
#[inline(always)]
fn begin<A, T>(tables: &T, way: &Way<A>, details: &Details, slot: Slot) -> Choice
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let Way { flow, service, control, now, quoted } = way;
    let may_record = || !quoted && tables.may_record(*now);
    if details.persistence > 0
        && let Some(real) = persist::stay(tables, *service, details, flow, *now)
    {
        return Choice::of(Fate::staying(real, control.opens(), may_record()), STAYS);
    }
    schedule(tables, way, details, slot, may_record)
}

#[inline(always)]
fn schedule<A, T>(
    tables: &T,
    way: &Way<A>,
    details: &Details,
    slot: Slot,
    may_record: impl Fn() -> bool,
) -> Choice
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let (service, control) = (way.service, way.control);
    let hash = sched::hash(tables, service, &way.flow);
    let begins = control.opens() || control.is_udp();
    // What is in mid-connection and in no table went by the hash when it began: for want of room,
    // before the scheduler was changed, or at another director.
    let ordered = begins && !matches!(details.picking(), Picking::Hash);
    let record = ordered && may_record();
    let mut slot = slot;
    if matches!(service.tracking(), Tracking::Full) {
        let Some(found) = sched::slot_of(tables, service, hash) else {
            return Choice::refused(no_real(service));
        };
        slot = found;
    }
    let may_record = || record || (!ordered && may_record());
    let fate = track::fate(service.tracking(), slot, control, may_record);
    Choice::of(fate, flag(record, ORDERED))
}

/// The real that a scheduler which is no hash gives the packet; `None` where it has none to give,
/// and the choice stays as it is.
#[inline(always)]
pub fn order<A, T>(tables: &T, asked: &Asked<A>) -> Option<RealId>
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let service = asked.service;
    let details = tables.details(service.id)?;
    let hash = sched::hash(tables, service, &asked.read.flow);
    sched::choose(tables, service, details, hash)
}

/// Writes down what is to be remembered of a packet that is on its way.
#[inline(always)]
pub fn note<A, T>(tables: &T, asked: &Asked<A>, choice: Choice)
where
    A: Ip,
    T: Tables + FamilyTables<A> + ?Sized,
{
    let way = asked.way();
    let Way { service, control, now, .. } = way;
    let flow = &way.flow;
    let Some(details) = tables.details(service.id) else { return };
    if choice.has(BOUND) {
        if let Some((entry, before, _)) = conn::bound(tables, flow, control, &details.timeouts, now)
        {
            conn::refresh(tables, service, &entry, &before, control, now);
        }
        return;
    }
    let fate = choice.fate();
    track::note(tables, service, flow, control, &fate, now);
    if choice.has(STAYS) {
        persist::renew(tables, details, flow, now);
    } else if details.persistence > 0 && fate.record && tables.may_record(now) {
        persist::note(tables, details, flow, fate.real, now);
    }
}
