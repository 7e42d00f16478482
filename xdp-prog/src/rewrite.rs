//! The only change that is made to a packet: the two Ethernet addresses.

use lb_common::value::Real;

use crate::headers::Ethernet;
use crate::packet::Packet;

/// Addresses the frame to the real, from the director's interface towards it. Says whether the
/// frame was long enough, which the parser has seen before.
#[inline(always)]
pub fn addresses<P: Packet>(packet: &mut P, real: &Real) -> bool {
    let Some(ethernet) = packet.header_mut::<Ethernet>(0) else { return false };
    let [a, b, c, d, e, f] = real.destination;
    let [g, h, i, j, k, l] = real.source;
    ethernet.addresses = [a, b, c, d, e, f, g, h, i, j, k, l];
    true
}
