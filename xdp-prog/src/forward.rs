//! Sending a packet to a real: the last step of both ways.

use lb_common::value::{NextHop, Service, service_flags};
use lb_common::verdict::Reason;
use lb_common::vlan::Tags;

use crate::headers::Ethernet;
use crate::ip::{Front as _, Hops, Ip};
use crate::packet::Packet;
use crate::parse::{self, Segment};
use crate::tables::{Counted, Tables};

/// What the MACs of virtual routers begin with, of both families: RFC 9568, section 7.3.
const VIRTUAL_ROUTERS: [u8; 4] = [0x00, 0x00, 0x5e, 0x00];

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
        let counted = Counted::new(segment.bytes, opens, segment.control.closes());
        Self { service, ip: parse::IP, counted }
    }
}

/// The VLAN tags of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Retag {
    /// How many it has.
    pub standing: usize,
    /// Those that it is to have, where the real wants some of its own.
    pub wanted: Option<Tags>,
}

/// Sends a packet to a real that can be reached, and counts it for that and its service. The short
/// way, where a frame has no tags, nor the real, says nothing of `tags`.
/// `None`, and nothing done, where only the long way can tell whether the frame is for the director.
#[inline(always)]
pub fn send<A: Ip, P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    sending: Sending,
    (real, counter): &(NextHop, T::Counter),
    tags: Option<Retag>,
) -> Option<Reason> {
    let direct = real.ifindex == packet.ingress();
    let refusal = match tags {
        None => match packet.header::<A::Front>(0) {
            Some(front) if is_addressed_to_us(packet, tables, real, front.ethernet()) => {
                last_hop(front.ip())
            }
            // A look-up here, rare as it is, would cost all packets something.
            Some(front) if is_for_virtual_router(front.ethernet()) => return None,
            Some(_) => Some(Reason::OtherHost),
            None => Some(Reason::Truncated),
        },
        // One after the other: of two headers that are asked for at once the compiler looks only
        // whether the frame has the second, from which the verifier does not conclude the first.
        Some(_) => match packet.header(0) {
            Some(ethernet)
                if is_addressed_to_us(packet, tables, real, ethernet)
                    || is_virtual(tables, ethernet) =>
            {
                packet.header::<A::Header>(sending.ip).map_or(Some(Reason::Truncated), last_hop)
            }
            Some(_) => Some(Reason::OtherHost),
            None => Some(Reason::Truncated),
        },
    };
    if refusal.is_some() {
        return refusal;
    }
    if !direct && !tables.redirect(real.ifindex) {
        return Some(Reason::NoEgress);
    }
    if let Some(reason) = rewrite::<A, P>(packet, sending, real, tags) {
        return Some(reason);
    }
    tables.count_forwarded(sending.service.id, counter, sending.counted);
    Some(if direct { Reason::Transmitted } else { Reason::Redirected })
}

/// Why a packet may go no further than here, where it may not.
#[inline(always)]
fn last_hop<H: Hops>(ip: &H) -> Option<Reason> {
    if ip.hops() <= 1 { Some(Reason::HopLimit) } else { None }
}

/// Counts a hop and addresses the frame to the real, from the director's interface towards it. Says
/// why that could not be done. The frame was seen to be long enough.
#[inline(always)]
fn rewrite<A: Ip, P: Packet>(
    packet: &mut P,
    sending: Sending,
    real: &NextHop,
    tags: Option<Retag>,
) -> Option<Reason> {
    let Some(Retag { standing, wanted }) = tags else {
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
    if let Some(wanted) = wanted
        && !packet.retag(standing, wanted)
    {
        return Some(Reason::NoRoom);
    }
    let Some(ethernet) = packet.header_mut::<Ethernet>(0) else { return Some(Reason::Truncated) };
    address(ethernet, real);
    None
}

#[inline(always)]
fn address(ethernet: &mut Ethernet, real: &NextHop) {
    ethernet.front = real.front.to_ne_bytes();
    ethernet.back = real.back.to_ne_bytes();
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
    real: &NextHop,
    ethernet: &Ethernet,
) -> bool {
    if real.ifindex == packet.ingress() {
        ethernet.destination() == real.source()
    } else {
        tables.ingress_mac(packet.ingress()) == Some(ethernet.destination())
    }
}

/// Whether a frame is for some virtual router.
#[inline(always)]
pub fn is_for_virtual_router(ethernet: &Ethernet) -> bool {
    let [a, b, c, d, ..] = ethernet.destination();
    [a, b, c, d] == VIRTUAL_ROUTERS
}

/// Whether a frame is for a virtual router that the machine may be. Most are seen to be for none
/// without a look-up.
#[inline(always)]
pub fn is_virtual<T: Tables>(tables: &T, ethernet: &Ethernet) -> bool {
    is_for_virtual_router(ethernet) && tables.is_virtual_mac(&ethernet.destination())
}
