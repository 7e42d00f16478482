//! Packets that come in: the source of answers becomes the RIP.

use lb_common::be::{Be32, Be128};

use super::family::{Side, flow};
use super::{FamilyTables, IP, Outcome, Skb, Tables, ViaIp, report};
use crate::headers::ethertype;

/// Turns the source of a packet that comes in, if it is an answer to a probe.
#[inline(always)]
pub fn ingress<S: Skb, T: Tables>(skb: &mut S, tables: &T) -> Outcome {
    match skb.ethertype() {
        ethertype::IPV4 => turn::<Be32, _, _>(skb, tables),
        ethertype::IPV6 => turn::<Be128, _, _>(skb, tables),
        _ => Outcome::Untouched,
    }
}

#[inline(always)]
fn turn<A: ViaIp, S: Skb, T: Tables + FamilyTables<A>>(skb: &mut S, tables: &T) -> Outcome {
    let Some(head) = A::head(skb, IP) else { return Outcome::Untouched };
    let Some(ends) = head.received(skb) else { return report::turn(skb, tables, &head) };
    if !tables.is_probing(ends.local) {
        return Outcome::Untouched;
    }
    let vip = head.source;
    let flow = flow(head.destination, vip, ends, head.protocol);
    let Some(rip) = tables.rip(&flow) else { return Outcome::Untouched };
    match head.replace(skb, Side::Source, vip, rip) {
        Some(()) => Outcome::Led,
        None => Outcome::Lost,
    }
}
