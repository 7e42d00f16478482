//! The short way of a packet: parse → service → ring, or connection → real → verdict.
//!
//! Most packets go this way and no further. What is rare leaves it for the long way
//! ([`crate::long`]), which can do all that this one can and the rest. Nothing is written (no
//! connection, no counter but the reason's) before it is certain that the packet will be forwarded,
//! and nothing at all where it takes the long way.

use lb_common::ring::Slot;
use lb_common::value::{RealId, Service, Tracking, service_flags};
use lb_common::verdict::Reason;

use crate::forward::{Sending, is_for_virtual_router, no_real, send};
use crate::headers::ethertype;
use crate::ip::Ip;
use crate::packet::Packet;
use crate::parse::{self, Segment};
use crate::tables::{FamilyTables, Tables};
use crate::{conn, long, sched, track};

/// Decides what becomes of a frame, rewrites it where it is forwarded, and counts it.
#[inline(always)]
pub fn process<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Reason {
    match short(packet, tables) {
        Some(reason) => reason,
        None => long::process(packet, tables),
    }
}

/// As [`process`]; `None`, and nothing done, where the packet has to take the long way.
#[inline(always)]
pub fn short<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Option<Reason> {
    let reason = decide(packet, tables)?;
    tables.count_reason(reason);
    Some(reason)
}

/// Each family goes its own way from here: a value that could hold the headers of either would
/// pass through memory, byte by byte.
#[inline(always)]
fn decide<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Option<Reason> {
    match parse::ethertype(packet) {
        Ok(ethertype::IPV4) => match parse::ipv4(packet) {
            Ok(segment) => balance(packet, tables, &segment),
            Err(reason) => reason,
        },
        Ok(ethertype::IPV6) => match parse::ipv6(packet) {
            Ok(segment) => balance(packet, tables, &segment),
            Err(reason) => reason,
        },
        Ok(other) if ethertype::is_tag(other) => None,
        Ok(_) => Some(Reason::NotIp),
        Err(reason) => Some(reason),
    }
}

#[inline(always)]
fn balance<A, P, T>(packet: &mut P, tables: &T, segment: &Segment<A>) -> Option<Reason>
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let Some(service) = tables.service(&segment.flow.service()) else {
        return if FamilyTables::<A>::has_wide(tables) { None } else { Some(Reason::NoService) };
    };
    if service.has(service_flags::ALL_LONG) {
        return None;
    }
    let reason = serve(packet, tables, service, segment)?;
    if !reason.is_delivered() {
        tables.count_refusal(service.id, reason);
    }
    Some(reason)
}

#[inline(always)]
fn serve<A, P, T>(
    packet: &mut P,
    tables: &T,
    service: Service,
    segment: &Segment<A>,
) -> Option<Reason>
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let tracking = service.tracking();
    if matches!(tracking, Tracking::Full) {
        return tracked(packet, tables, service, segment, None);
    }
    let Some(slot) = sched::pick(tables, service, &segment.flow) else {
        return Some(no_real(service));
    };
    if slot.is_settled() || matches!(tracking, Tracking::None) {
        return forward(packet, tables, service, segment, slot.current(), segment.control.opens());
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
) -> Option<Reason>
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let Some(details) = tables.details(service.id) else { return Some(no_real(service)) };
    let now = tables.now();
    if let Some((entry, before, real)) =
        conn::bound(tables, &segment.flow, segment.control, &details.timeouts, now)
    {
        let (hop, _) = &real;
        if !hop.is_plain() {
            return None;
        }
        let sending = Sending::of(service, segment, false);
        let reason = send::<A, _, _>(packet, tables, sending, &real, None)?;
        if reason.is_delivered() {
            conn::refresh(tables, service, &entry, &before, segment.control, now);
        }
        return Some(reason);
    }
    if service.has(service_flags::BINDS_LONG) {
        return None;
    }
    // What follows writes before the frame is looked at.
    if packet.header(0).is_some_and(is_for_virtual_router) {
        return None;
    }
    let Some(slot) = slot.or_else(|| sched::pick(tables, service, &segment.flow)) else {
        return Some(no_real(service));
    };
    let fate = track::fate(service.tracking(), slot, segment.control, || tables.may_record(now));
    let reason = forward(packet, tables, service, segment, fate.real, fate.opens)?;
    if reason.is_delivered() {
        track::note(tables, service, &segment.flow, segment.control, &fate, now);
    }
    Some(reason)
}

#[inline(always)]
fn forward<A, P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    service: Service,
    segment: &Segment<A>,
    id: RealId,
    opens: bool,
) -> Option<Reason>
where
    A: Ip,
{
    let Some(real) = tables.real(id) else { return Some(no_real(service)) };
    let (hop, _) = &real;
    if !hop.is_plain() {
        return if hop.forwards() { None } else { Some(no_real(service)) };
    }
    let sending = Sending::of(service, segment, opens);
    send::<A, _, _>(packet, tables, sending, &real, None)
}
