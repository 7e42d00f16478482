//! What the two versions of IP do each in its own way.

use core::mem::offset_of;

use lb_common::be::{Be16, Be32, Be128};
use lb_common::key::{FlowKey, Protocol};

use super::{Skb, Sum, checksum};
use crate::headers::{Icmp, Ipv4, Ipv6, Ports, Udp};
use crate::ip::Ip;

/// Bits of an IPv4 header that say where in a datagram a fragment stands, and that more follow.
const FRAGMENT: u16 = 0x3fff;

/// Where a TCP header has its checksum (RFC 9293, section 3.1).
const TCP_CHECKSUM: usize = 16;

/// An IP header, and where that begins which follows.
pub struct Head<A> {
    pub(super) source: A,
    pub(super) destination: A,
    pub(super) protocol: u8,
    /// Where the header begins.
    pub(super) at: usize,
    /// Where it ends.
    pub(super) payload: usize,
}

/// What tells probes apart besides addresses: ports, or an ICMP identifier and zero.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) local: Be16,
    pub(super) remote: Be16,
}

/// The address that is replaced.
#[derive(Clone, Copy)]
pub enum Side {
    /// The sender's.
    Source,
    /// The receiver's.
    Destination,
}

/// A version of IP, as probes know it.
pub trait ViaIp: Ip {
    /// The ICMP type of an echo request.
    const ECHO_REQUEST: u8;
    /// The ICMP type of an echo reply.
    const ECHO_REPLY: u8;
    /// The checksum of ICMP, where it covers the addresses.
    const ICMP_SUM: Option<Sum>;
    /// What the checksum of an ICMP error needs for a change of an address in the packet that it
    /// quotes. In IPv4 that packet's own checksum changes, too, and makes up for it.
    const QUOTE_SUM: Option<Sum>;

    /// Reads the header at `at`; `None` where it is none, or that of a fragment.
    fn head<S: Skb>(skb: &S, at: usize) -> Option<Head<Self>>;

    /// Writes an address in the header at `at`, and what in the header itself depends on it.
    fn put<S: Skb>(
        skb: &mut S,
        at: usize,
        side: Side,
        address: Self,
        written: Written,
    ) -> Option<()>;

    /// What a checksum has to follow.
    fn difference(old: Self, new: Self) -> u32;
}

/// How an address is written.
#[derive(Clone, Copy)]
pub struct Written {
    /// What the address has changed by.
    pub(super) difference: u32,
    /// Whether a transport checksum follows whose pseudo header the address is in: the kernel then
    /// takes it that the change of the one and that of the other make up for each other.
    pub(super) pseudo: bool,
}

impl ViaIp for Be32 {
    const ECHO_REQUEST: u8 = 8;
    const ECHO_REPLY: u8 = 0;
    const ICMP_SUM: Option<Sum> = None;
    const QUOTE_SUM: Option<Sum> = None;

    #[inline(always)]
    fn head<S: Skb>(skb: &S, at: usize) -> Option<Head<Self>> {
        let ip = skb.load::<Ipv4>(at)?;
        let payload = at + ip.header_length()?;
        if u16::from_be_bytes(ip.fragment) & FRAGMENT != 0 {
            return None;
        }
        let (source, destination) = (Self::from_bytes(ip.source), Self::from_bytes(ip.destination));
        Some(Head { source, destination, protocol: ip.protocol, at, payload })
    }

    /// Address and checksum lie in the same header, the sum of which remains.
    #[inline(always)]
    fn put<S: Skb>(
        skb: &mut S,
        at: usize,
        side: Side,
        address: Self,
        written: Written,
    ) -> Option<()> {
        let offset = match side {
            Side::Source => offset_of!(Ipv4, source),
            Side::Destination => offset_of!(Ipv4, destination),
        };
        skb.follow_header(at + offset_of!(Ipv4, checksum), written.difference)?;
        skb.store(at + offset, &address.to_bytes(), false)
    }

    #[inline(always)]
    fn difference(old: Self, new: Self) -> u32 {
        checksum::difference(&[old.raw()], &[new.raw()])
    }
}

impl ViaIp for Be128 {
    const ECHO_REQUEST: u8 = 128;
    const ECHO_REPLY: u8 = 129;
    const ICMP_SUM: Option<Sum> = Some(Sum::Pseudo);
    const QUOTE_SUM: Option<Sum> = Some(Sum::Body);

    #[inline(always)]
    fn head<S: Skb>(skb: &S, at: usize) -> Option<Head<Self>> {
        let ip = skb.load::<Ipv6>(at)?;
        if ip.version[0] >> 4 != 6 {
            return None;
        }
        let (source, destination) = (Self::from_bytes(ip.source), Self::from_bytes(ip.destination));
        let payload = at + size_of::<Ipv6>();
        Some(Head { source, destination, protocol: ip.next_header, at, payload })
    }

    /// The header has no checksum. What makes up for the address is the transport's, for which the
    /// kernel changes the sum of the whole packet as if a header checksum had made up already
    /// (Linux before 6.16, commit ead7f9b8de65; later, unless it is told of IPv6): so that the
    /// address counts, too.
    #[inline(always)]
    fn put<S: Skb>(
        skb: &mut S,
        at: usize,
        side: Side,
        address: Self,
        written: Written,
    ) -> Option<()> {
        let offset = match side {
            Side::Source => offset_of!(Ipv6, source),
            Side::Destination => offset_of!(Ipv6, destination),
        };
        skb.store(at + offset, &address.to_bytes(), written.pseudo)
    }

    #[inline(always)]
    fn difference(old: Self, new: Self) -> u32 {
        checksum::difference(&old.raw(), &new.raw())
    }
}

impl<A: ViaIp> Head<A> {
    /// The ends of a probe that leaves with this header.
    #[inline(always)]
    pub(super) fn sent<S: Skb>(&self, skb: &S) -> Option<Ends> {
        if Protocol::from_number(self.protocol).is_some() {
            let ports = skb.load::<Ports>(self.payload)?;
            let (local, remote) = (Be16::from_bytes(ports.source), ports.destination);
            return Some(Ends { local, remote: Be16::from_bytes(remote) });
        }
        self.echo(skb, A::ECHO_REQUEST)
    }

    /// The ends of the probe that this is an answer to.
    #[inline(always)]
    pub(super) fn received<S: Skb>(&self, skb: &S) -> Option<Ends> {
        if Protocol::from_number(self.protocol).is_some() {
            let ports = skb.load::<Ports>(self.payload)?;
            let (local, remote) = (Be16::from_bytes(ports.destination), ports.source);
            return Some(Ends { local, remote: Be16::from_bytes(remote) });
        }
        self.echo(skb, A::ECHO_REPLY)
    }

    #[inline(always)]
    fn echo<S: Skb>(&self, skb: &S, kind: u8) -> Option<Ends> {
        if self.protocol != A::ICMP {
            return None;
        }
        let icmp = skb.load::<Icmp>(self.payload)?;
        let local = Be16::from_bytes([icmp.rest[0], icmp.rest[1]]);
        (icmp.kind == kind).then_some(Ends { local, remote: Be16::new(0) })
    }

    /// Gives it another address, and has all checksums follow.
    #[inline(always)]
    pub(super) fn replace<S: Skb>(&self, skb: &mut S, side: Side, old: A, new: A) -> Option<()> {
        let difference = A::difference(old, new);
        let transport = match self.protocol {
            6 => Some((TCP_CHECKSUM, Sum::Pseudo)),
            17 => Some((offset_of!(Udp, checksum), Sum::PseudoUdp)),
            _ => A::ICMP_SUM.map(|sum| (offset_of!(Icmp, checksum), sum)),
        };
        // What lies farthest behind first: if the kernel has no memory to make the packet
        // writable up to there, nothing has changed yet.
        if let Some((offset, sum)) = transport {
            skb.follow_transport(self.payload + offset, difference, sum)?;
        }
        A::put(skb, self.at, side, new, Written { difference, pseudo: true })
    }
}

/// The flow of a probe, as packets of it leave.
#[inline(always)]
pub(super) fn flow<A>(local: A, vip: A, ends: Ends, protocol: u8) -> FlowKey<A> {
    FlowKey {
        source: local,
        destination: vip,
        source_port: ends.local,
        destination_port: ends.remote,
        protocol: u32::from(protocol),
    }
}
