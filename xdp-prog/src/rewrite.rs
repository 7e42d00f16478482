//! The only change that is made to a packet: the two Ethernet addresses.

use lb_common::value::Real;

use crate::headers::Ethernet;
use crate::packet::Packet;

/// Addresses the frame to the real, from the director's interface towards it. Says whether the
/// frame was long enough, which the parser has seen before.
#[inline(always)]
pub fn addresses<P: Packet>(packet: &mut P, real: &Real) -> bool {
    let Some(ethernet) = packet.header_mut::<Ethernet>(0) else { return false };
    let (to, from) = (real.destination, real.source);
    ethernet.addresses = [
        to[0], to[1], to[2], to[3], to[4], to[5], from[0], from[1], from[2], from[3], from[4],
        from[5],
    ];
    true
}
