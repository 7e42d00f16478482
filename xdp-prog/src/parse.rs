//! Ethernet → IPv4 or IPv6 → TCP or UDP → flow key, for the packets that most packets are.

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};
use lb_common::verdict::Reason;

use crate::conn::Control;
use crate::headers::{Ethernet, Ipv4, Ipv6, Tcp, Udp};
use crate::ip::{Ip, extension};
use crate::packet::Packet;

/// A packet that may belong to a service.
pub struct Segment<A> {
    /// Its flow.
    pub flow: FlowKey<A>,
    /// Length from the IP header on.
    pub bytes: u32,
    /// What it says of its connection.
    pub control: Control,
}

/// Where the IP header begins in a frame without VLAN tags.
pub const IP: usize = size_of::<Ethernet>();
const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;

/// Reads what the frame carries.
///
/// # Errors
///
/// Where the frame is too short to say.
#[inline(always)]
pub fn ethertype<P: Packet>(packet: &P) -> Result<Be16, Reason> {
    let ethernet = packet.header::<Ethernet>(0).ok_or(Reason::Truncated)?;
    Ok(Be16::from_bytes(ethernet.ethertype))
}

/// Reads the headers of an IPv4 frame.
///
/// # Errors
///
/// Why the packet cannot be balanced; `None` where it has to take the long way.
#[inline(always)]
pub fn ipv4<P: Packet>(packet: &P) -> Result<Segment<Be32>, Option<Reason>> {
    let ip = packet.header::<Ipv4>(IP).ok_or(Reason::Truncated)?;
    let header_length = ip.header_length().ok_or(Reason::Malformed)?;
    let bytes = u16::from_be_bytes(ip.total_length);
    let Some(protocol) = Protocol::from_number(ip.protocol) else {
        return Err(if ip.protocol == Be32::ICMP { None } else { Some(Reason::OtherProtocol) });
    };
    if u16::from_be_bytes(ip.fragment) & MORE_FRAGMENTS_OR_OFFSET != 0 {
        return Err(None);
    }
    let source = Be32::from_bytes(ip.source);
    let destination = Be32::from_bytes(ip.destination);
    let ports = transport(packet, IP + header_length, protocol)?;
    Ok(ports.segment(source, destination, u32::from(bytes)))
}

/// Reads the headers of an IPv6 frame.
///
/// # Errors
///
/// Why the packet cannot be balanced; `None` where it has to take the long way.
#[inline(always)]
pub fn ipv6<P: Packet>(packet: &P) -> Result<Segment<Be128>, Option<Reason>> {
    let ip = packet.header::<Ipv6>(IP).ok_or(Reason::Truncated)?;
    if ip.version[0] >> 4 != 6 {
        return Err(Some(Reason::Malformed));
    }
    let Some(protocol) = Protocol::from_number(ip.next_header) else {
        let rare = ip.next_header == Be128::ICMP || extension::is_one(ip.next_header);
        return Err(if rare { None } else { Some(Reason::OtherProtocol) });
    };
    let source = Be128::from_bytes(ip.source);
    let destination = Be128::from_bytes(ip.destination);
    let bytes = ip.bytes();
    let ports = transport(packet, IP + size_of::<Ipv6>(), protocol)?;
    Ok(ports.segment(source, destination, bytes))
}

/// The part of a transport header that is read.
pub struct Transport {
    protocol: Protocol,
    source: Be16,
    destination: Be16,
    control: Control,
}

/// Reads the transport header at `at`.
///
/// # Errors
///
/// Where the frame ends before it does.
#[inline(always)]
pub fn transport<P: Packet>(
    packet: &P,
    at: usize,
    protocol: Protocol,
) -> Result<Transport, Reason> {
    match protocol {
        Protocol::Tcp => {
            let tcp = packet.header::<Tcp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                protocol,
                source: Be16::from_bytes(tcp.source),
                destination: Be16::from_bytes(tcp.destination),
                control: Control::tcp(tcp.flags),
            })
        }
        Protocol::Udp => {
            let udp = packet.header::<Udp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                protocol,
                source: Be16::from_bytes(udp.source),
                destination: Be16::from_bytes(udp.destination),
                control: Control::UDP,
            })
        }
    }
}

impl Transport {
    /// The flow between these addresses, and what the packet says of its connection.
    #[inline(always)]
    pub const fn flow<A: Copy>(&self, source: A, destination: A) -> (FlowKey<A>, Control) {
        let flow = FlowKey {
            source,
            destination,
            source_port: self.source,
            destination_port: self.destination,
            protocol: self.protocol as u32,
        };
        (flow, self.control)
    }

    #[inline(always)]
    const fn segment<A: Copy>(&self, source: A, destination: A, bytes: u32) -> Segment<A> {
        let (flow, control) = self.flow(source, destination);
        Segment { flow, bytes, control }
    }
}
