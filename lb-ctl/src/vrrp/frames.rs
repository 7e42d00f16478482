//! Frames that say, or ask, where an address is: ARP (RFC 826, RFC 5227) and neighbour discovery
//! (RFC 4861). Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::icmpv6::{NdpOptionSlice, NdpOptionsIterator, NeighborAdvertisementHeader};
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, ArpPacketSlice, Icmpv6Slice, Icmpv6Type, Ipv6Slice, NetSlice,
    PacketBuilder, SlicedPacket, TransportSlice,
};
use lb_common::value::Mac;

/// All machines of a segment.
pub const BROADCAST: Mac = [0xff; 6];
/// `ff02::1`: all nodes of a segment (RFC 4291, section 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// What routers never pass on; neighbour discovery takes nothing else (RFC 4861, section 7.1).
const HOP_LIMIT: u8 = 255;
/// A target's link-layer address among the options, in units of eight bytes (RFC 4861, section
/// 4.6.1).
const TARGET_LINK_LAYER_ADDRESS: [u8; 2] = [2, 1];
/// Where options stand in a neighbour advertisement: behind the target's address.
const OPTIONS: usize = 16;

/// Somebody's word that an address is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// The address.
    pub address: IpAddr,
    /// Where frames for it are to go.
    pub mac: Mac,
}

/// The frame that has everybody who knows the address use this MAC: a gratuitous ARP request, or an
/// unsolicited neighbour advertisement, with the flag of routers where the machine is one.
pub fn announcement(mac: Mac, address: IpAddr, router: bool) -> Vec<u8> {
    match address {
        // A request is taken by all; some take no reply that they did not ask for. The unused
        // target hardware address is as keepalived has it.
        IpAddr::V4(address) => arp(BROADCAST, mac, address, (BROADCAST, address)),
        IpAddr::V6(address) => advertisement(mac, address, router),
    }
}

/// The frame that has everybody answer who has the address, and changes nothing with anybody: a
/// probe as in RFC 5227, section 2.1.1, or in RFC 4862, section 5.4.2.
pub fn probe(mac: Mac, address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => arp(BROADCAST, mac, Ipv4Addr::UNSPECIFIED, ([0; 6], address)),
        IpAddr::V6(address) => solicitation(mac, address),
    }
}

/// The frame by which an address asks for a router: what it answers, and most take note of, are the
/// asking address and MAC. Sent to the router alone where its MAC is known.
pub fn request(mac: Mac, address: Ipv4Addr, router: Ipv4Addr, router_mac: Option<Mac>) -> Vec<u8> {
    arp(router_mac.unwrap_or(BROADCAST), mac, address, ([0; 6], router))
}

fn arp(to: Mac, mac: Mac, address: Ipv4Addr, target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let packet = ArpEthIpv4Packet {
        operation: ArpOperation::REQUEST,
        sender_mac: mac,
        sender_ipv4: address.octets(),
        target_mac: target.0,
        target_ipv4: target.1.octets(),
    };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, to)
        .arp(packet.into())
        .write(&mut frame)
        .expect("a vector takes all that is written");
    frame
}

/// RFC 4861, section 7.2.6: not solicited, and to replace what is known.
fn advertisement(mac: Mac, address: Ipv6Addr, router: bool) -> Vec<u8> {
    let flags = NeighborAdvertisementHeader { router, solicited: false, r#override: true };
    let mut body = address.octets().to_vec();
    body.extend(TARGET_LINK_LAYER_ADDRESS);
    body.extend(mac);
    icmpv6(mac, (address, ALL_NODES), Icmpv6Type::NeighborAdvertisement(flags), &body)
}

/// Without a source address, and so without its link-layer address (RFC 4861, section 4.3).
fn solicitation(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let ends = (Ipv6Addr::UNSPECIFIED, solicited_node(address));
    icmpv6(mac, ends, Icmpv6Type::NeighborSolicitation, &address.octets())
}

/// The group that whoever has the address listens to (RFC 4291, section 2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let low = [u16::from_be_bytes([0xff, a]), u16::from_be_bytes([b, c])];
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, low[0], low[1])
}

fn icmpv6(mac: Mac, ends: (Ipv6Addr, Ipv6Addr), kind: Icmpv6Type, body: &[u8]) -> Vec<u8> {
    let (from, to) = ends;
    // RFC 2464, section 7.
    let [.., a, b, c, d] = to.octets();
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac, [0x33, 0x33, a, b, c, d])
        .ipv6(from.octets(), to.octets(), HOP_LIMIT)
        .icmpv6(kind)
        .write(&mut frame, body)
        .expect("a vector takes all that is written");
    frame
}

/// What a frame claims: any ARP message whose sender has an address (RFC 5227, section 2.4), and any
/// neighbour advertisement that neighbours would take (RFC 4861, section 7.1.2).
pub fn claim(frame: &[u8]) -> Option<Claim> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    if !packet.link_exts.is_empty() {
        return None;
    }
    let claim = match (packet.net?, packet.transport) {
        (NetSlice::Arp(arp), _) => of_arp(&arp),
        (NetSlice::Ipv6(ip), Some(TransportSlice::Icmpv6(icmp))) => {
            // Of those who leave the option out, the frame's own source is meant.
            let source = frame.get(6..12)?.try_into().ok()?;
            of_advertisement(&ip, &icmp, source)
        }
        _ => None,
    };
    // Nobody is reached at the address of a group.
    claim.filter(|claim| claim.mac[0] & 1 == 0)
}

fn of_arp(arp: &ArpPacketSlice<'_>) -> Option<Claim> {
    let arp = arp.to_packet().try_eth_ipv4().ok()?;
    let known = matches!(arp.operation, ArpOperation::REQUEST | ArpOperation::REPLY);
    let address = arp.sender_ipv4_addr();
    (known && !address.is_unspecified())
        .then(|| Claim { address: address.into(), mac: arp.sender_mac })
}

fn of_advertisement(ip: &Ipv6Slice<'_>, icmp: &Icmpv6Slice<'_>, source: Mac) -> Option<Claim> {
    let header = ip.header();
    let Icmpv6Type::NeighborAdvertisement(flags) = icmp.icmp_type() else { return None };
    let sound = header.hop_limit() == HOP_LIMIT
        && !(flags.solicited && header.destination_addr().is_multicast())
        && icmp.is_checksum_valid(header.source(), header.destination());
    let (target, options) = icmp.payload().split_first_chunk::<OPTIONS>()?;
    let address = Ipv6Addr::from(*target);
    if !sound || address.is_multicast() {
        return None;
    }
    let mut mac = source;
    for option in NdpOptionsIterator::from_slice(options) {
        // An option without a length spoils the message (RFC 4861, section 7.1.2).
        if let NdpOptionSlice::TargetLinkLayerAddress(option) = option.ok()? {
            mac = option.link_layer_address().try_into().ok()?;
        }
    }
    Some(Claim { address: address.into(), mac })
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
