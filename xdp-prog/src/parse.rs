//! Ethernet → IPv4 or IPv6 → TCP or UDP → flow key.

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};
use lb_common::verdict::Reason;

use crate::headers::{Ethernet, Ipv4, Ipv6, Tcp, Udp, ethertype};
use crate::packet::Packet;

/// A packet that may belong to a service.
pub struct Segment<A> {
    /// Its flow.
    pub flow: FlowKey<A>,
    /// Length from the IP header on.
    pub bytes: u32,
    /// TCP control bits; `None` for UDP.
    pub tcp_flags: Option<u8>,
}

/// The frame's two families, or why it is neither.
pub enum Parsed {
    /// TCP or UDP over IPv4.
    V4(Segment<Be32>),
    /// TCP or UDP over IPv6.
    V6(Segment<Be128>),
    /// Not to be balanced.
    Other(Reason),
}

const IP: usize = size_of::<Ethernet>();
const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;
const IPV6_FRAGMENT: u8 = 44;

/// Reads the headers of a frame.
#[inline(always)]
pub fn frame<P: Packet>(packet: &P) -> Parsed {
    let Some(ethernet) = packet.header::<Ethernet>(0) else {
        return Parsed::Other(Reason::Truncated);
    };
    let parsed = match ethernet.ethertype {
        ethertype::IPV4 => ipv4(packet).map(Parsed::V4),
        ethertype::IPV6 => ipv6(packet).map(Parsed::V6),
        _ => Err(Reason::NotIp),
    };
    parsed.unwrap_or_else(Parsed::Other)
}

#[inline(always)]
fn ipv4<P: Packet>(packet: &P) -> Result<Segment<Be32>, Reason> {
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

#[inline(always)]
fn ipv6<P: Packet>(packet: &P) -> Result<Segment<Be128>, Reason> {
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
    tcp_flags: Option<u8>,
}

#[inline(always)]
fn transport<P: Packet>(packet: &P, at: usize, protocol: Protocol) -> Result<Transport, Reason> {
    match protocol {
        Protocol::Tcp => {
            let tcp = packet.header::<Tcp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                source: Be16::from_bytes(tcp.source),
                destination: Be16::from_bytes(tcp.destination),
                tcp_flags: Some(tcp.flags),
            })
        }
        Protocol::Udp => {
            let udp = packet.header::<Udp>(at).ok_or(Reason::Truncated)?;
            Ok(Transport {
                source: Be16::from_bytes(udp.source),
                destination: Be16::from_bytes(udp.destination),
                tcp_flags: None,
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
        tcp_flags: transport.tcp_flags,
    }
}
