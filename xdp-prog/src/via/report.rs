//! ICMP errors about probes: from the real, whose address is then the VIP, or from a router on the
//! way. What they quote went to the VIP; the probe's socket knows it as sent to the RIP.

use core::mem::offset_of;

use super::family::{Head, Side, Written, flow};
use super::{FamilyTables, Outcome, Skb, Tables, ViaIp};
use crate::headers::Icmp;

/// Turns the destination of the packet that an error quotes, and the error's source with it where
/// that is the VIP.
#[inline(always)]
pub(super) fn turn<A: ViaIp, S: Skb, T: Tables + FamilyTables<A>>(
    skb: &mut S,
    tables: &T,
    head: &Head<A>,
) -> Outcome {
    let Some((quoted, rip)) = about(skb, tables, head) else { return Outcome::Untouched };
    match put(skb, head, &quoted, rip) {
        Some(()) => Outcome::Led,
        None => Outcome::Lost,
    }
}

/// The header that the error quotes, and the RIP that it has to name.
#[inline(always)]
fn about<A: ViaIp, S: Skb, T: Tables + FamilyTables<A>>(
    skb: &S,
    tables: &T,
    head: &Head<A>,
) -> Option<(Head<A>, A)> {
    if head.protocol != A::ICMP || !A::is_report(skb.load::<Icmp>(head.payload)?.kind) {
        return None;
    }
    let quoted = A::head(skb, head.payload + size_of::<Icmp>())?;
    if quoted.source != head.destination {
        return None;
    }
    let ends = quoted.sent(skb)?;
    if !tables.is_probing(ends.local) {
        return None;
    }
    let flow = flow(quoted.source, quoted.destination, ends, quoted.protocol);
    tables.rip(&flow).map(|rip| (quoted, rip))
}

/// The transport checksum of the quoted packet stays as it was sent: nobody looks at it, and often
/// it is not even quoted.
#[inline(always)]
fn put<A: ViaIp, S: Skb>(skb: &mut S, head: &Head<A>, quoted: &Head<A>, rip: A) -> Option<()> {
    let vip = quoted.destination;
    let difference = A::difference(vip, rip);
    A::put(skb, quoted.at, Side::Destination, rip, Written { difference, pseudo: false })?;
    if let Some(sum) = A::QUOTE_SUM {
        skb.follow_transport(head.payload + offset_of!(Icmp, checksum), difference, sum)?;
    }
    if head.source == vip {
        head.replace(skb, Side::Source, vip, rip)?;
    }
    Some(())
}
