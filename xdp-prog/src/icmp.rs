//! ICMP errors about flows. In direct routing the answers of a real go straight to the client, so a
//! router's complaint about one of them comes to its source: the VIP.

use lb_common::be::Be16;
use lb_common::key::{FlowKey, Protocol};

use crate::headers::{Icmp, Ports};
use crate::ip::{Ip, Net};
use crate::packet::Packet;

/// The flow that an ICMP message is about; `None` where it is about none. The packet that it
/// quotes went the other way: from the VIP to the client.
#[inline(always)]
pub fn quoted<A: Ip, P: Packet>(packet: &P, net: &Net<A>) -> Option<FlowKey<A>> {
    let icmp = packet.header::<Icmp>(net.payload)?;
    if !A::is_report(icmp.kind) {
        return None;
    }
    let inner = A::headers(packet, net.payload + size_of::<Icmp>()).ok()?;
    let protocol = Protocol::from_number(inner.protocol)?;
    if inner.fragment.is_later() || inner.source != net.destination {
        return None;
    }
    let ports = packet.header::<Ports>(inner.payload)?;
    Some(FlowKey {
        source: inner.destination,
        destination: inner.source,
        source_port: Be16::from_bytes(ports.destination),
        destination_port: Be16::from_bytes(ports.source),
        protocol: protocol as u32,
    })
}
