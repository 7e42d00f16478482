//! Sending a packet to a real: the last step of both ways.

use lb_common::value::{Real, RealId, Service, real_flags, service_flags};
use lb_common::verdict::Reason;

use crate::headers::Ethernet;
use crate::ip::{Front as _, Hops, Ip};
use crate::packet::Packet;
use crate::parse::{self, Segment};
use crate::tables::{Counted, Tables};

/// Why a service's packet goes nowhere, where no real can take it.
#[inline(always)]
pub fn no_real(service: Service) -> Reason {
    if service.has(service_flags::PASS_WHEN_DOWN) { Reason::NoRealPassed } else { Reason::NoReal }
}

/// What is sent: a packet of a service, whose IP header begins at `ip`.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// The service.
    pub service: Service,
    /// Where the IP header begins.
    pub ip: usize,
    /// What it counts for.
    pub counted: Counted,
}

impl Sending {
    /// A segment of a service; `opens` says whether it begins a connection.
    #[inline(always)]
    pub const fn of<A>(service: Service, segment: &Segment<A>, opens: bool) -> Self {
        let counted = Counted { bytes: segment.bytes, opens, closes: segment.control.closes() };
        Self { service, ip: parse::IP, counted }
    }
}

/// Sends a packet to a real that can be reached, and counts it for that and its service. `tags` is
/// how many VLAN tags the frame has, where the real may want others.
#[inline(always)]
pub fn send<A: Ip, P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    sending: Sending,
    (id, real): (RealId, &Real),
    tags: Option<usize>,
) -> Reason {
    let direct = real.ifindex == packet.ingress();
    let refusal = match tags {
        None => match packet.header::<A::Front>(0) {
            Some(front) => refusal(packet, tables, real, (front.ethernet(), front.ip())),
            None => Some(Reason::Truncated),
        },
        Some(_) => match (packet.header(0), packet.header::<A::Header>(sending.ip)) {
            (Some(ethernet), Some(ip)) => refusal(packet, tables, real, (ethernet, ip)),
            _ => Some(Reason::Truncated),
        },
    };
    if let Some(reason) = refusal {
        return reason;
    }
    if !direct && !tables.redirect(real.ifindex) {
        return Reason::NoEgress;
    }
    if let Some(reason) = rewrite::<A, P>(packet, sending, real, tags) {
        return reason;
    }
    tables.count_forwarded(sending.service.id, id, sending.counted);
    if direct { Reason::Transmitted } else { Reason::Redirected }
}

/// Why a frame may not be sent on.
#[inline(always)]
fn refusal<H: Hops, P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    real: &Real,
    (ethernet, ip): (&Ethernet, &H),
) -> Option<Reason> {
    if !is_addressed_to_us(packet, tables, real, ethernet) {
        Some(Reason::OtherHost)
    } else if ip.hops() <= 1 {
        Some(Reason::HopLimit)
    } else {
        None
    }
}

/// Counts a hop and addresses the frame to the real, from the director's interface towards it. Says
/// why that could not be done. The frame was seen to be long enough.
#[inline(always)]
fn rewrite<A: Ip, P: Packet>(
    packet: &mut P,
    sending: Sending,
    real: &Real,
    tags: Option<usize>,
) -> Option<Reason> {
    let Some(standing) = tags else {
        let Some(front) = packet.header_mut::<A::Front>(0) else { return Some(Reason::Truncated) };
        let (ethernet, ip) = front.both_mut();
        ip.count_hop();
        address(ethernet, real);
        return None;
    };
    let Some(ip) = packet.header_mut::<A::Header>(sending.ip) else {
        return Some(Reason::Truncated);
    };
    ip.count_hop();
    if real.flags & real_flags::TAGGED != 0 && !packet.retag(standing, real.tags) {
        return Some(Reason::NoRoom);
    }
    let Some(ethernet) = packet.header_mut::<Ethernet>(0) else { return Some(Reason::Truncated) };
    address(ethernet, real);
    None
}

#[inline(always)]
fn address(ethernet: &mut Ethernet, real: &Real) {
    let (to, from) = (real.destination, real.source);
    ethernet.addresses = [
        to[0], to[1], to[2], to[3], to[4], to[5], from[0], from[1], from[2], from[3], from[4],
        from[5],
    ];
}

/// A switch that does not know a real's MAC yet floods the very frame that a director sent to it.
/// A director that took such a frame for its own would send it round for ever.
///
/// The interface's own MAC is at hand in the real when the packet goes back out where it came in;
/// only the other way needs a look-up.
#[inline(always)]
fn is_addressed_to_us<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    real: &Real,
    ethernet: &Ethernet,
) -> bool {
    if real.ifindex == packet.ingress() {
        ethernet.destination() == real.source
    } else {
        tables.ingress_mac(packet.ingress()) == Some(ethernet.destination())
    }
}
