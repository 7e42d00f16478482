//! Ethernet → IPv4 or IPv6 → TCP or UDP → flow key.

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};
use lb_common::verdict::Reason;

use crate::conn;
use crate::headers::{Ethernet, Ipv4, Ipv6, Tcp, Udp};
use crate::packet::Packet;

/// A packet that may belong to a service.
pub struct Segment<A> {
    /// Its flow.
    pub flow: FlowKey<A>,
    /// Length from the IP header on.
    pub bytes: u32,
    /// TCP control bits; zero for UDP.
    control_bits: u8,
}

impl<A> Segment<A> {
    /// TCP control bits; `None` for UDP.
    #[inline(always)]
    pub const fn tcp_flags(&self) -> Option<u8> {
        if self.flow.protocol == Protocol::Tcp as u32 { Some(self.control_bits) } else { None }
    }

    /// Whether the packet asks for a TCP connection.
    #[inline(always)]
    pub const fn opens(&self) -> bool {
        conn::opens(self.control_bits)
    }

    /// Whether the packet says that its sender is done with a TCP connection.
    #[inline(always)]
    pub const fn closes(&self) -> bool {
        conn::closes(self.control_bits)
    }
}

const IP: usize = size_of::<Ethernet>();
const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;
const IPV6_FRAGMENT: u8 = 44;

/// Reads what the frame carries.
///
/// # Errors
///
/// Where the frame is too short to say.
#[inline(always)]
pub fn ethertype<P: Packet>(packet: &P) -> Result<[u8; 2], Reason> {
    packet.header::<Ethernet>(0).map(|ethernet| ethernet.ethertype).ok_or(Reason::Truncated)
}

/// Reads the headers of an IPv4 frame.
///
/// # Errors
///
/// Why the packet cannot be balanced.
#[inline(always)]
pub fn ipv4<P: Packet>(packet: &P) -> Result<Segment<Be32>, Reason> {
    let ip = packet.header::<Ipv4>(IP).ok_or(Reason::Truncated)?;
    let header_length = usize::from(ip.version_ihl & 0xf) * 4;
    let bytes = u16::from_be_bytes(ip.total_length);
    if ip.version_ihl >> 4 != 4
        || header_length < size_of::<Ipv4>()
        || usize::from(bytes) < header_length
    {
        return Err(Reason::Malformed);
    }
    let protocol = Protocol::from_number(ip.protocol).ok_or(Reason::OtherProtocol)?;
    if u16::from_be_bytes(ip.fragment) & MORE_FRAGMENTS_OR_OFFSET != 0 {
        return Err(Reason::Fragment);
    }
    let source = Be32::from_bytes(ip.source);
    let destination = Be32::from_bytes(ip.destination);
    let ports = transport(packet, IP + header_length, protocol)?;
    Ok(segment(source, destination, protocol, &ports, u32::from(bytes)))
}

/// Reads the headers of an IPv6 frame.
///
/// # Errors
///
/// Why the packet cannot be balanced.
#[inline(always)]
pub fn ipv6<P: Packet>(packet: &P) -> Result<Segment<Be128>, Reason> {
    let ip = packet.header::<Ipv6>(IP).ok_or(Reason::Truncated)?;
    if ip.version[0] >> 4 != 6 {
        return Err(Reason::Malformed);
    }
    if ip.next_header == IPV6_FRAGMENT {
        return Err(Reason::Fragment);
    }
    let protocol = Protocol::from_number(ip.next_header).ok_or(Reason::OtherProtocol)?;
    let bytes = size_of::<Ipv6>() as u32 + u32::from(u16::from_be_bytes(ip.payload_length));
    let source = Be128::from_bytes(ip.source);
    let destination = Be128::from_bytes(ip.destination);
    let ports = transport(packet, IP + size_of::<Ipv6>(), protocol)?;
    Ok(segment(source, destination, protocol, &ports, bytes))
}

struct Transport {
    source: Be16,
    destination: Be16,
    control_bits: u8,
}

#[inline(always)]
fn transport<P: Packet>(packet: &P, at: usize, protocol: Protocol) -> Result<Transport, Reason> {
    match protocol {
        Protocol::Tcp => {
            let tcp = packet.header::<Tcp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                source: Be16::from_bytes(tcp.source),
                destination: Be16::from_bytes(tcp.destination),
                control_bits: tcp.flags,
            })
        }
        Protocol::Udp => {
            let udp = packet.header::<Udp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                source: Be16::from_bytes(udp.source),
                destination: Be16::from_bytes(udp.destination),
                control_bits: 0,
            })
        }
    }
}

#[inline(always)]
fn segment<A>(
    source: A,
    destination: A,
    protocol: Protocol,
    transport: &Transport,
    bytes: u32,
) -> Segment<A> {
    Segment {
        flow: FlowKey {
            source,
            destination,
            source_port: transport.source,
            destination_port: transport.destination,
            protocol: protocol as u32,
        },
        bytes,
        control_bits: transport.control_bits,
    }
}
