//! On the long way: what a packet is, whatever headers stand before it.

use lb_common::be::Be16;
use lb_common::key::{FlowKey, Protocol};
use lb_common::verdict::Reason;

use crate::conn::Control;
use crate::headers::tcp_flags;
use crate::ip::{Ip, Net};
use crate::packet::Packet;
use crate::{icmp, parse, vlan};

/// What a packet is. Its parts are numbers of one width, without anything between them that is not
/// written: the packet path copies them eight bytes at a time.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Read<A> {
    /// Its flow, or the flow that it is about; without ports in a [`kind::LATER`] fragment.
    pub flow: FlowKey<A>,
    /// See [`kind`].
    pub kind: u32,
    /// What all fragments of the datagram have in common.
    pub identification: u32,
    /// What it says of its connection.
    pub control: Control,
    /// Length from the IP header on.
    pub bytes: u32,
    ip: u32,
    /// VLAN tags of the frame.
    pub tags: u32,
}

/// The kinds of packets.
pub mod kind {
    /// A whole datagram.
    pub const WHOLE: u32 = 0;
    /// The first fragment of several.
    pub const FIRST: u32 = 1;
    /// Another fragment.
    pub const LATER: u32 = 2;
    /// A message about a flow.
    pub const QUOTED: u32 = 3;
}

/// No packet has headers that end further behind its beginning: six extensions, each as long as its
/// length can say, and what stands before them.
pub const FURTHEST: usize = 0x3fff;

impl<A> Read<A> {
    /// Where the IP header begins. The verifier is to see, wherever this is asked, that it is a
    /// place in a packet.
    #[inline(always)]
    pub const fn ip(&self) -> usize {
        self.ip as usize & FURTHEST
    }

    /// Whether it is of this [`kind`].
    #[inline(always)]
    pub const fn is(&self, kind: u32) -> bool {
        self.kind == kind
    }
}

impl<A: Default> Default for Read<A> {
    fn default() -> Self {
        Self {
            flow: FlowKey::default(),
            kind: kind::WHOLE,
            identification: 0,
            control: Control::UDP,
            bytes: 0,
            ip: 0,
            tags: 0,
        }
    }
}

/// Reads the packet that a frame of this version of IP carries.
///
/// # Errors
///
/// Why it cannot be balanced.
#[inline(always)]
pub fn read<A: Ip, P: Packet>(packet: &P) -> Result<Read<A>, Reason> {
    let link = vlan::link(packet)?;
    let net = A::headers(packet, link.next)?;
    let read = ip(packet, &net)?;
    Ok(Read { tags: link.tags as u32, ..read })
}

#[inline(always)]
fn ip<A: Ip, P: Packet>(packet: &P, net: &Net<A>) -> Result<Read<A>, Reason> {
    if net.fragment.is_later() {
        return if A::may_have_ports(net.protocol) {
            Ok(of(net, without_ports(net), kind::LATER, Control::UDP))
        } else {
            Err(Reason::OtherProtocol)
        };
    }
    if net.protocol == A::ICMP {
        // It stands for a packet of the flow that neither begins nor ends it.
        return match icmp::quoted(packet, net) {
            Some(flow) => Ok(of(net, flow, kind::QUOTED, Control::tcp(tcp_flags::ACK))),
            None => Err(Reason::OtherProtocol),
        };
    }
    let Some(protocol) = Protocol::from_number(net.protocol) else {
        return Err(Reason::OtherProtocol);
    };
    let transport = parse::transport(packet, net.payload, protocol)?;
    let (flow, control) = transport.flow(net.source, net.destination);
    let kind = if net.fragment.is_first() { kind::FIRST } else { kind::WHOLE };
    Ok(of(net, flow, kind, control))
}

#[inline(always)]
const fn of<A: Copy>(net: &Net<A>, flow: FlowKey<A>, kind: u32, control: Control) -> Read<A> {
    Read {
        flow,
        kind,
        identification: net.fragment.identification,
        control,
        bytes: net.bytes,
        ip: net.ip as u32,
        tags: 0,
    }
}

#[inline(always)]
const fn without_ports<A: Copy>(net: &Net<A>) -> FlowKey<A> {
    FlowKey {
        source: net.source,
        destination: net.destination,
        source_port: Be16::new(0),
        destination_port: Be16::new(0),
        protocol: net.protocol as u32,
    }
}
