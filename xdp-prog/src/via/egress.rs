//! Packets that leave: the destination becomes the VIP.

use lb_common::be::{Be32, Be128};
use lb_common::via;

use super::family::{Side, flow};
use super::{FamilyTables, IP, Outcome, Skb, Tables, ViaIp};
use crate::headers::ethertype;

/// Leads a packet that leaves, if its mark says that it is a probe's.
#[inline(always)]
pub fn egress<S: Skb, T: Tables>(skb: &mut S, tables: &T) -> Outcome {
    let Some(index) = via::index(skb.mark()) else { return Outcome::Untouched };
    match skb.ethertype() {
        ethertype::IPV4 => lead::<Be32, _, _>(skb, tables, index),
        ethertype::IPV6 => lead::<Be128, _, _>(skb, tables, index),
        _ => Outcome::Untouched,
    }
}

#[inline(always)]
fn lead<A: ViaIp, S: Skb, T: FamilyTables<A>>(skb: &mut S, tables: &T, index: u16) -> Outcome {
    // Without a VIP, the mark may be somebody else's.
    let Some(vip) = tables.vip(index) else { return Outcome::Untouched };
    lead_to(skb, tables, vip).unwrap_or(Outcome::Lost)
}

#[inline(always)]
fn lead_to<A: ViaIp, S: Skb, T: FamilyTables<A>>(
    skb: &mut S,
    tables: &T,
    vip: A,
) -> Option<Outcome> {
    let head = A::head(skb, IP)?;
    let rip = head.destination;
    // The interface above, a VLAN's, had the program, too.
    if rip == vip {
        return Some(Outcome::Untouched);
    }
    // To a real the VIP is its own address: it would send the answer to itself.
    if head.source == vip {
        return None;
    }
    let ends = head.sent(skb)?;
    let flow = flow(head.source, vip, ends, head.protocol);
    if tables.rip(&flow) != Some(rip) {
        tables.note(&flow, rip)?;
    }
    head.replace(skb, Side::Destination, rip, vip)?;
    Some(Outcome::Led)
}
