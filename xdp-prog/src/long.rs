//! The long way: all that the engine can do, for the packets that the short way leaves alone.
//!
//! VLAN tags, every extension header, fragments and ICMP errors are read here; services with source
//! lists, persistence or a scheduler that is no hash are served here. It gives every packet the
//! same fate as the short way, where that has one.

use lb_common::be::{Be32, Be128};
use lb_common::details::details_flags;
use lb_common::key::FlowKey;
use lb_common::value::{NO_REAL, RealId, Service, Tracking, service_flags};
use lb_common::verdict::Reason;

use crate::choice::{Asked, Choice};
use crate::forward::{Retag, Sending, is_virtual, no_real, send};
use crate::headers::{Ethernet, ethertype};
use crate::ip::Ip;
use crate::packet::Packet;
use crate::read::{Read, kind};
use crate::tables::{Counted, FamilyTables, Tables};
use crate::vlan;

/// An IP version, by which the long way parts: the kernel has a program for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Version {
    /// IPv4.
    V4 = 0,
    /// IPv6.
    V6 = 1,
}

/// Which version of IP a frame carries, within whatever tags.
///
/// # Errors
///
/// Why that is none, or cannot be told.
#[inline(always)]
pub fn version<P: Packet>(packet: &P) -> Result<Version, Reason> {
    match vlan::link(packet)?.ethertype {
        ethertype::IPV4 => Ok(Version::V4),
        ethertype::IPV6 => Ok(Version::V6),
        _ => Err(Reason::NotIp),
    }
}

/// Decides what becomes of a frame, rewrites it where it is forwarded, and counts it.
#[inline(always)]
pub fn process<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Reason {
    match version(packet) {
        Ok(Version::V4) => process_as::<Be32, _, _>(packet, tables),
        Ok(Version::V6) => process_as::<Be128, _, _>(packet, tables),
        Err(reason) => {
            tables.count_reason(reason);
            reason
        }
    }
}

/// The same for a frame of this version.
#[inline(always)]
pub fn process_as<A, P, T>(packet: &mut P, tables: &T) -> Reason
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let reason = internet::<A, _, _>(packet, tables);
    tables.count_reason(reason);
    reason
}

#[inline(always)]
fn internet<A, P, T>(packet: &mut P, tables: &T) -> Reason
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let mut asked = Asked::<A>::default();
    if let Err(reason) = A::read(packet, &mut asked.read) {
        return reason;
    }
    if asked.read.is(kind::LATER) {
        return later_fragment(packet, tables, &asked.read);
    }
    let Some(service) = service(tables, &asked.read.flow) else { return Reason::NoService };
    asked.service = service;
    asked.now = tables.now();
    let choice = match admit(packet, tables, &asked) {
        Ok(choice) => choice,
        Err(reason) => {
            packet.note(service.id, NO_REAL);
            tables.count_refusal(service.id, reason);
            return reason;
        }
    };
    let quoted = asked.read.is(kind::QUOTED);
    let opens = choice.opens() && !quoted;
    let sending = sending(service, &asked.read, opens);
    let tags = asked.read.tags as usize;
    let reason = deliver::<A, _, _>(packet, tables, sending, choice.real(), tags);
    if reason.is_delivered() && !quoted {
        tables.note(&asked, choice);
        if asked.read.is(kind::FIRST) {
            tables.note_first(&asked.read, choice.real());
        }
    }
    reason
}

#[inline(always)]
fn sending<A>(service: Service, read: &Read<A>, opens: bool) -> Sending {
    let counted = Counted::new(read.bytes, opens, read.control.closes());
    Sending { service, ip: read.ip(), counted }
}

#[inline(always)]
fn service<A, T>(tables: &T, flow: &FlowKey<A>) -> Option<Service>
where
    A: Ip,
    T: Tables + FamilyTables<A>,
{
    let key = flow.service();
    match tables.service(&key) {
        None if FamilyTables::<A>::has_wide(tables) => tables.wide_service(&key),
        found => found,
    }
}

#[inline(always)]
fn later_fragment<A, P, T>(packet: &mut P, tables: &T, later: &Read<A>) -> Reason
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let Some(id) = tables.follow(later) else {
        if !tables.is_vip(&later.flow.destination) {
            return Reason::Fragment;
        }
        // Of a datagram whose first fragment came from there, nothing was noted.
        let ours = comes_from_peer(packet, tables);
        return if ours { Reason::FromPeer } else { Reason::FragmentAlone };
    };
    let Some((real, _)) = tables.real(id) else { return Reason::Fragment };
    let service = Service::new(real.service, Tracking::None, 0);
    let sending = sending(service, later, false);
    deliver::<A, _, _>(packet, tables, sending, id, later.tags as usize)
}

/// Asks by whom the packet was sent, then where it goes.
#[inline(always)]
fn admit<A, P, T>(packet: &P, tables: &T, asked: &Asked<A>) -> Result<Choice, Reason>
where
    A: Ip,
    P: Packet,
    T: Tables + FamilyTables<A>,
{
    let service = asked.service;
    if service.has(service_flags::ALL_LONG) {
        let Some(details) = tables.details(service.id) else { return Err(no_real(service)) };
        // Two directors that are reals of one service would send a packet to and fro.
        if details.has(details_flags::HAS_LOCAL) && comes_from_peer(packet, tables) {
            return Err(Reason::FromPeer);
        }
    }
    let choice = tables.choose(asked);
    if let Some(reason) = choice.refusal() {
        return Err(reason);
    }
    if choice.is_ordered()
        && let Some(real) = tables.order(asked)
    {
        return Ok(choice.of_real(real));
    }
    Ok(choice)
}

#[inline(always)]
fn comes_from_peer<P: Packet, T: Tables>(packet: &P, tables: &T) -> bool {
    packet.header::<Ethernet>(0).is_some_and(|ethernet| tables.is_peer(&ethernet.source()))
}

/// Sends the packet, which has so many VLAN tags, or lets the director's own stack have it.
#[inline(always)]
fn deliver<A: Ip, P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    sending: Sending,
    id: RealId,
    tags: usize,
) -> Reason {
    let reason = match tables.real(id) {
        Some((real, counter)) if real.is_local() => keep(packet, tables, sending, &counter),
        Some(real) if real.0.forwards() => {
            let wanted = if real.0.is_tagged() { Some(tables.tags(id)) } else { None };
            let tags = Some(Retag { standing: tags, wanted });
            let sent = send::<A, _, _>(packet, tables, sending, &real, tags);
            sent.unwrap_or(Reason::OtherHost)
        }
        _ => no_real(sending.service),
    };
    packet.note(sending.service.id, id);
    if !reason.is_delivered() {
        tables.count_refusal(sending.service.id, reason);
    }
    reason
}

/// Leaves the packet to the director's own stack, which takes no frame for another host.
#[inline(always)]
fn keep<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    sending: Sending,
    counter: &T::Counter,
) -> Reason {
    let ours = tables.ingress_mac(packet.ingress());
    let Some(ethernet) = packet.header::<Ethernet>(0) else { return Reason::Truncated };
    let to = ethernet.destination();
    if ours != Some(to) && !is_virtual(tables, ethernet) {
        return Reason::OtherHost;
    }
    tables.count_forwarded(sending.service.id, counter, sending.counted);
    Reason::Local
}
