//! The way of a packet: parse → service → ring, or connection → rewrite → verdict.
//!
//! This is the only place that composes the stages. Nothing is written (no connection, no counter
//! but the reason's) before it is certain that the packet will be forwarded.

use lb_common::be::Address;
use lb_common::ring::Slot;
use lb_common::value::{Connection, Real, RealId, Service, Ticks, Tracking};
use lb_common::verdict::Reason;

use crate::headers::{Ethernet, ethertype};
use crate::packet::Packet;
use crate::parse::{self, Segment};
use crate::tables::{ConnectionEntry, Counted, FamilyTables, Tables};
use crate::{conn, rewrite, sched, track};

/// Decides what becomes of a frame, rewrites it where it is forwarded, and counts it.
#[inline(always)]
pub fn process<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Reason {
    let reason = decide(packet, tables);
    tables.count_reason(reason);
    reason
}

/// Each family goes its own way from here: a value that could hold the headers of either would
/// pass through memory, byte by byte.
#[inline(always)]
fn decide<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Reason {
    match parse::ethertype(packet) {
        Ok(ethertype::IPV4) => match parse::ipv4(packet) {
            Ok(segment) => balance(packet, tables, &segment),
            Err(reason) => reason,
        },
        Ok(ethertype::IPV6) => match parse::ipv6(packet) {
            Ok(segment) => balance(packet, tables, &segment),
            Err(reason) => reason,
        },
        Ok(_) => Reason::NotIp,
        Err(reason) => reason,
    }
}

#[inline(always)]
fn balance<A, P, T>(packet: &mut P, tables: &T, segment: &Segment<A>) -> Reason
where
    A: Address,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let Some(service) = tables.service(&segment.flow.service()) else { return Reason::NoService };
    let tracking = service.tracking();
    if matches!(tracking, Tracking::Full) {
        return tracked(packet, tables, service, segment, None);
    }
    let Some(slot) = sched::pick(tables, service, &segment.flow) else { return Reason::NoReal };
    if slot.is_settled() || matches!(tracking, Tracking::None) {
        let Some(real) = tables.real(slot.current()) else { return Reason::NoReal };
        let opens = segment.opens();
        return forward(packet, tables, service, segment, (slot.current(), &real), opens);
    }
    tracked(packet, tables, service, segment, Some(slot))
}

/// The way of a packet whose flow may be in the connection table. `slot` is its slot of the ring,
/// where that was looked up already.
#[inline(always)]
fn tracked<A, P, T>(
    packet: &mut P,
    tables: &T,
    service: Service,
    segment: &Segment<A>,
    slot: Option<Slot>,
) -> Reason
where
    A: Address,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let now = tables.now();
    if let Some(entry) = tables.connection(&segment.flow) {
        let before = entry.get();
        if let Some(real) = tables.real(before.real)
            && conn::binds(&before, &real, segment.tcp_flags(), service.idle(), now)
        {
            let reason = forward(packet, tables, service, segment, (before.real, &real), false);
            if reason.is_forwarded() {
                refresh(&entry, &before, segment.tcp_flags(), now);
            }
            return reason;
        }
    }
    let Some(slot) = slot.or_else(|| sched::pick(tables, service, &segment.flow)) else {
        return Reason::NoReal;
    };
    let fate =
        track::fate(service.tracking(), slot, segment.tcp_flags(), || tables.may_record(now));
    let Some(real) = tables.real(fate.real) else { return Reason::NoReal };
    let full = matches!(service.tracking(), Tracking::Full);
    let opens = full || segment.opens();
    let reason = forward(packet, tables, service, segment, (fate.real, &real), opens);
    if !reason.is_forwarded() {
        return reason;
    }
    if fate.record {
        let connection = Connection {
            real: fate.real,
            generation: real.generation,
            seen: now,
            state: conn::first_state(segment.tcp_flags()),
        };
        tables.store_connection(&segment.flow, &connection);
    } else if fate.defer {
        tables.count_deferred(service.id);
    }
    reason
}

#[inline(always)]
fn refresh<E: ConnectionEntry>(entry: &E, before: &Connection, tcp_flags: Option<u8>, now: Ticks) {
    let state = conn::next_state(before.state, tcp_flags);
    // A cache line that is not written stays shared between the CPUs.
    if before.seen != now || before.state != state {
        entry.touch(now, state);
    }
}

/// Sends the packet to a real, and counts it for that real and its service.
#[inline(always)]
fn forward<A, P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    service: Service,
    segment: &Segment<A>,
    (id, real): (RealId, &Real),
    opens: bool,
) -> Reason {
    if !real.forwards() {
        return Reason::NoReal;
    }
    let direct = real.ifindex == packet.ingress();
    if !addressed_to_us(packet, tables, real, direct) {
        return Reason::OtherHost;
    }
    if !direct && !tables.redirect(real.ifindex) {
        return Reason::NoEgress;
    }
    if !rewrite::addresses(packet, real) {
        return Reason::Truncated;
    }
    let closes = segment.closes();
    tables.count_forwarded(service.id, id, Counted { bytes: segment.bytes, opens, closes });
    if direct { Reason::Transmitted } else { Reason::Redirected }
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
