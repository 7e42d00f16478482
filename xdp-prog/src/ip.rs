//! What the two versions of IP do each in its own way.

use lb_common::be::{Address, Be32, Be128};
use lb_common::key::Protocol;
use lb_common::verdict::Reason;

use crate::headers::{
    Ethernet, EthernetIpv4, EthernetIpv6, Header, Ipv4, Ipv6, Ipv6Extension, Ipv6Fragment,
};
use crate::packet::Packet;
use crate::read::Read;

/// The IP headers of a packet, read to their end.
#[derive(Clone, Copy, Debug)]
pub struct Net<A> {
    /// Sender.
    pub source: A,
    /// Receiver.
    pub destination: A,
    /// What follows: an IP protocol number.
    pub protocol: u8,
    /// Where the IP header begins.
    pub ip: usize,
    /// Where that begins which follows.
    pub payload: usize,
    /// Length from the IP header on.
    pub bytes: u32,
    /// Its place in a datagram of several.
    pub fragment: Fragment,
}

/// A packet's place in a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fragment {
    /// What all fragments of the datagram have in common.
    pub identification: u32,
    place: u32,
}

impl Fragment {
    const FIRST: u32 = 1;
    const LATER: u32 = 2;

    /// The fragment with this identification that others stand before, or that `more` follow.
    #[inline(always)]
    const fn new(identification: u32, before: bool, more: bool) -> Self {
        let place = if before {
            Self::LATER
        } else if more {
            Self::FIRST
        } else {
            0
        };
        Self { identification, place }
    }

    /// Whether it is the first of several.
    #[inline(always)]
    pub const fn is_first(self) -> bool {
        self.place == Self::FIRST
    }

    /// Whether it is another of several.
    #[inline(always)]
    pub const fn is_later(self) -> bool {
        self.place == Self::LATER
    }
}

/// A header that says through how many machines its packet may go.
pub trait Hops {
    /// Through how many more.
    fn hops(&self) -> u8;

    /// Counts one machine.
    fn count_hop(&mut self);
}

/// A link layer, and the IP header behind it.
pub trait Front<H> {
    /// The link layer.
    fn ethernet(&self) -> &Ethernet;

    /// The IP header.
    fn ip(&self) -> &H;

    /// Both, to be written.
    fn both_mut(&mut self) -> (&mut Ethernet, &mut H);
}

/// A version of IP.
pub trait Ip: Address + Default {
    /// The protocol number of its ICMP.
    const ICMP: u8;

    /// What tells fragments apart besides addresses and identification: RFC 791, section 3.2 has
    /// the protocol, RFC 8200, section 4.5 nothing.
    fn fragment_protocol(protocol: u8) -> u32;

    /// Whether a fragment that is not the first can be one of a datagram with ports, as far as its
    /// headers say: IPv6 may have extension headers in the part that is fragmented.
    fn may_have_ports(protocol: u8) -> bool;

    /// Reads all IP headers of the packet that begins at `at`.
    ///
    /// # Errors
    ///
    /// Why the packet cannot be balanced.
    fn headers<P: Packet>(packet: &P, at: usize) -> Result<Net<Self>, Reason>
    where
        Self: Sized;

    /// Reads what a frame of this version carries: [`crate::read::read`], by way of the packet.
    ///
    /// # Errors
    ///
    /// Why it cannot be balanced.
    fn read<P: Packet>(packet: &P, read: &mut Read<Self>) -> Result<(), Reason>
    where
        Self: Sized;

    /// Whether an ICMP message of this type quotes a packet that it is about.
    fn is_report(icmp_type: u8) -> bool;

    /// The header of this version.
    type Header: Header + Hops;

    /// The link layer without tags, and the header behind it: what most frames begin with, to be
    /// looked at in one go.
    type Front: Header + Front<Self::Header>;
}

const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

impl Ip for Be32 {
    const ICMP: u8 = 1;

    #[inline(always)]
    fn fragment_protocol(protocol: u8) -> u32 {
        u32::from(protocol)
    }

    #[inline(always)]
    fn may_have_ports(protocol: u8) -> bool {
        Protocol::from_number(protocol).is_some()
    }

    #[inline(always)]
    fn headers<P: Packet>(packet: &P, at: usize) -> Result<Net<Self>, Reason> {
        let ip = packet.header::<Ipv4>(at).ok_or(Reason::Truncated)?;
        let length = ip.header_length().ok_or(Reason::Malformed)?;
        let place = u16::from_be_bytes(ip.fragment);
        Ok(Net {
            source: Self::from_bytes(ip.source),
            destination: Self::from_bytes(ip.destination),
            protocol: ip.protocol,
            ip: at,
            payload: at + length,
            bytes: u32::from(u16::from_be_bytes(ip.total_length)),
            fragment: Fragment::new(
                u32::from(u16::from_be_bytes(ip.identification)),
                place & FRAGMENT_OFFSET != 0,
                place & MORE_FRAGMENTS != 0,
            ),
        })
    }

    #[inline(always)]
    fn read<P: Packet>(packet: &P, read: &mut Read<Self>) -> Result<(), Reason> {
        packet.read_v4(read)
    }

    /// Destination unreachable, time exceeded, parameter problem (RFC 792).
    #[inline(always)]
    fn is_report(icmp_type: u8) -> bool {
        matches!(icmp_type, 3 | 11 | 12)
    }

    type Header = Ipv4;
    type Front = EthernetIpv4;
}

impl Hops for Ipv4 {
    #[inline(always)]
    fn hops(&self) -> u8 {
        self.ttl
    }

    #[inline(always)]
    fn count_hop(&mut self) {
        self.ttl = self.ttl.wrapping_sub(1);
        // What the sum of the header loses its complement gains (RFC 1624, section 3), whichever
        // of its bytes come first (RFC 1071, section 2).
        let sum =
            u32::from(u16::from_ne_bytes(self.checksum)) + u32::from(u16::from_ne_bytes([1, 0]));
        let carried = sum + u32::from(sum >= 0xffff);
        self.checksum = (carried as u16).to_ne_bytes();
    }
}

/// Extension headers that are read (RFC 8200, section 4).
pub mod extension {
    /// Hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// Routing.
    pub const ROUTING: u8 = 43;
    /// Fragment.
    pub const FRAGMENT: u8 = 44;
    /// Authentication (RFC 4302).
    pub const AUTHENTICATION: u8 = 51;
    /// Destination options.
    pub const DESTINATION: u8 = 60;

    /// Whether it is one of them.
    #[inline(always)]
    pub const fn is_one(next_header: u8) -> bool {
        matches!(next_header, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION)
    }
}

/// Of each kind one, and one more: RFC 8200, section 4.1 lets destination options stand twice.
const MOST_EXTENSIONS: usize = 6;

impl Ip for Be128 {
    const ICMP: u8 = 58;

    #[inline(always)]
    fn fragment_protocol(_protocol: u8) -> u32 {
        0
    }

    #[inline(always)]
    fn may_have_ports(protocol: u8) -> bool {
        Protocol::from_number(protocol).is_some() || extension::is_one(protocol)
    }

    #[inline(always)]
    fn headers<P: Packet>(packet: &P, at: usize) -> Result<Net<Self>, Reason> {
        let ip = packet.header::<Ipv6>(at).ok_or(Reason::Truncated)?;
        if ip.version[0] >> 4 != 6 {
            return Err(Reason::Malformed);
        }
        let mut net = Net {
            source: Self::from_bytes(ip.source),
            destination: Self::from_bytes(ip.destination),
            protocol: ip.next_header,
            ip: at,
            payload: at + size_of::<Ipv6>(),
            bytes: ip.bytes(),
            fragment: Fragment::default(),
        };
        for _ in 0..MOST_EXTENSIONS {
            if !extension::is_one(net.protocol) || net.fragment.is_later() {
                return Ok(net);
            }
            read_extension(packet, &mut net)?;
        }
        if extension::is_one(net.protocol) { Err(Reason::Malformed) } else { Ok(net) }
    }

    #[inline(always)]
    fn read<P: Packet>(packet: &P, read: &mut Read<Self>) -> Result<(), Reason> {
        packet.read_v6(read)
    }

    /// Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443).
    #[inline(always)]
    fn is_report(icmp_type: u8) -> bool {
        matches!(icmp_type, 1..=4)
    }

    type Header = Ipv6;
    type Front = EthernetIpv6;
}

impl Hops for Ipv6 {
    #[inline(always)]
    fn hops(&self) -> u8 {
        self.hop_limit
    }

    #[inline(always)]
    fn count_hop(&mut self) {
        self.hop_limit = self.hop_limit.wrapping_sub(1);
    }
}

macro_rules! front {
    ($front:ty, $ip:ty) => {
        impl Front<$ip> for $front {
            #[inline(always)]
            fn ethernet(&self) -> &Ethernet {
                &self.ethernet
            }

            #[inline(always)]
            fn ip(&self) -> &$ip {
                &self.ip
            }

            #[inline(always)]
            fn both_mut(&mut self) -> (&mut Ethernet, &mut $ip) {
                (&mut self.ethernet, &mut self.ip)
            }
        }
    };
}

front!(EthernetIpv4, Ipv4);
front!(EthernetIpv6, Ipv6);

/// Reads one extension header, and goes on to what follows it.
#[inline(always)]
fn read_extension<P: Packet>(packet: &P, net: &mut Net<Be128>) -> Result<(), Reason> {
    let header = packet.header::<Ipv6Extension>(net.payload).ok_or(Reason::Truncated)?;
    let length = match net.protocol {
        extension::FRAGMENT => {
            let header = packet.header::<Ipv6Fragment>(net.payload).ok_or(Reason::Truncated)?;
            let place = u16::from_be_bytes(header.place);
            let identification = u32::from_be_bytes(header.identification);
            net.fragment = Fragment::new(identification, place >> 3 != 0, place & 1 != 0);
            size_of::<Ipv6Fragment>()
        }
        extension::AUTHENTICATION => (header.length as usize + 2) * 4,
        _ => (header.length as usize + 1) * 8,
    };
    net.protocol = header.next_header;
    net.payload += length;
    Ok(())
}
