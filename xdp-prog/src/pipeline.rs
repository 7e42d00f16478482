//! The way of a packet: parse → service → connection, or scheduler → rewrite → verdict.
//!
//! This is the only place that composes the stages. Nothing is written (no connection, no counter
//! but the reason's) before it is certain that the packet will be forwarded.

use lb_common::be::Address;
use lb_common::value::{Connection, Real, RealId, Ticks};
use lb_common::verdict::Reason;

use crate::headers::Ethernet;
use crate::packet::Packet;
use crate::parse::{self, Parsed, Segment};
use crate::tables::{ConnectionEntry, FamilyTables, Tables};
use crate::{conn, rewrite, sched};

/// Decides what becomes of a frame, rewrites it where it is forwarded, and counts it.
#[inline(always)]
pub fn process<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Reason {
    let reason = match parse::frame(packet) {
        Parsed::V4(segment) => balance(packet, tables, &segment),
        Parsed::V6(segment) => balance(packet, tables, &segment),
        Parsed::Other(reason) => reason,
    };
    tables.count_reason(reason);
    reason
}

/// The real of a packet, and how it was found.
struct Choice<E> {
    id: RealId,
    real: Real,
    /// The entry that bound the flow to this real; `None` where the scheduler chose.
    entry: Option<(E, Connection)>,
}

#[inline(always)]
fn balance<A, P, T>(packet: &mut P, tables: &T, segment: &Segment<A>) -> Reason
where
    A: Address,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let Some(service) = tables.service(&segment.flow.service()) else { return Reason::NoService };
    let now = tables.now();
    let choice = match tracked(tables, segment, now) {
        Some(choice) => choice,
        None => match sched::pick(tables, service, &segment.flow) {
            Some((id, real)) => Choice { id, real, entry: None },
            None => return Reason::NoReal,
        },
    };
    let direct = choice.real.ifindex == packet.ingress();
    if !addressed_to_us(packet, tables, &choice.real, direct) {
        return Reason::OtherHost;
    }
    if !direct && !tables.redirect(choice.real.ifindex) {
        return Reason::NoEgress;
    }
    if !rewrite::addresses(packet, &choice.real) {
        return Reason::Truncated;
    }
    let new_connection = choice.entry.is_none();
    remember(tables, segment, now, &choice);
    tables.count_forwarded(service.id, choice.id, segment.bytes, new_connection);
    if direct { Reason::Transmitted } else { Reason::Redirected }
}

#[inline(always)]
fn tracked<A, T>(
    tables: &T,
    segment: &Segment<A>,
    now: Ticks,
) -> Option<Choice<<T as FamilyTables<A>>::Entry>>
where
    A: Address,
    T: Tables + FamilyTables<A>,
{
    let entry = tables.connection(&segment.flow)?;
    let connection = entry.get();
    let real = tables.real(connection.real)?;
    conn::binds(&connection, &real, segment.tcp_flags, now).then_some(Choice {
        id: connection.real,
        real,
        entry: Some((entry, connection)),
    })
}

/// A switch that does not know a real's MAC yet floods the very frame that a director sent to it.
/// A director that took such a frame for its own would send it round for ever.
///
/// The interface's own MAC is at hand in the real when the packet goes back out where it came in;
/// only the other way needs a look-up.
#[inline(always)]
fn addressed_to_us<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    real: &Real,
    direct: bool,
) -> bool {
    let Some(ethernet) = packet.header::<Ethernet>(0) else { return false };
    if direct {
        ethernet.destination() == real.source
    } else {
        tables.ingress_mac(packet.ingress()) == Some(ethernet.destination())
    }
}

#[inline(always)]
fn remember<A, T>(
    tables: &T,
    segment: &Segment<A>,
    now: Ticks,
    choice: &Choice<<T as FamilyTables<A>>::Entry>,
) where
    A: Address,
    T: Tables + FamilyTables<A>,
{
    if let Some((entry, before)) = &choice.entry {
        let state = conn::next_state(before.state, segment.tcp_flags);
        // A cache line that is not written stays shared between the CPUs.
        if before.seen != now || before.state != state {
            entry.touch(now, state);
        }
    } else {
        let connection = Connection {
            real: choice.id,
            generation: choice.real.generation,
            seen: now,
            state: conn::first_state(segment.tcp_flags),
        };
        tables.store_connection(&segment.flow, &connection);
    }
}
