//! What the first bytes of a frame say of its packet. Pure.

use std::net::IpAddr;

use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

/// What can be told of a packet. What its headers do not say, or what lies behind the bytes that
/// there are, is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Headers {
    /// VLAN identifiers, the outermost first.
    pub vlans: Vec<u16>,
    /// The packet's protocol: `tcp`, `udp`, `icmp`, `icmp6`, `arp`, or the number of another one
    /// over IP as in `ip-47`, or the ethertype as in `0x88cc`.
    pub protocol: String,
    /// Where it comes from and goes to.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
    /// TCP's control bits as tcpdump writes them: `S`, `S.`, `P.`, `F.`, `R`.
    pub tcp_flags: Option<String>,
}

/// Reads the beginning of an Ethernet frame.
pub fn read(frame: &[u8]) -> Headers {
    let Ok(packet) = LaxSlicedPacket::from_ethernet(frame) else {
        return Headers { protocol: "truncated".to_owned(), ..Headers::default() };
    };
    let ports = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => Some((tcp.source_port(), tcp.destination_port())),
        Some(TransportSlice::Udp(udp)) => Some((udp.source_port(), udp.destination_port())),
        _ => None,
    };
    let tcp_flags = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => Some(flags(tcp)),
        _ => None,
    };
    Headers {
        vlans: packet.vlan_ids().iter().map(|id| id.value()).collect(),
        protocol: protocol(&packet, frame),
        addresses: packet.net.as_ref().and_then(addresses),
        ports,
        tcp_flags,
    }
}

fn addresses(net: &LaxNetSlice<'_>) -> Option<(IpAddr, IpAddr)> {
    match net {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        LaxNetSlice::Arp(_) => None,
    }
}

fn protocol(packet: &LaxSlicedPacket<'_>, frame: &[u8]) -> String {
    match &packet.net {
        Some(LaxNetSlice::Arp(_)) => "arp".to_owned(),
        Some(net) => net.ip_payload_ref().map_or_else(String::new, |ip| over_ip(ip.ip_number)),
        None => {
            let at = 12 + 4 * packet.link_exts.len();
            frame.get(at..at + 2).map_or_else(
                || "truncated".to_owned(),
                |kind| format!("0x{:02x}{:02x}", kind[0], kind[1]),
            )
        }
    }
}

fn over_ip(number: IpNumber) -> String {
    match number {
        IpNumber::TCP => "tcp".to_owned(),
        IpNumber::UDP => "udp".to_owned(),
        IpNumber::ICMP => "icmp".to_owned(),
        IpNumber::IPV6_ICMP => "icmp6".to_owned(),
        IpNumber(other) => format!("ip-{other}"),
    }
}

fn flags(tcp: &TcpSlice<'_>) -> String {
    let bits = [
        (tcp.fin(), 'F'),
        (tcp.syn(), 'S'),
        (tcp.rst(), 'R'),
        (tcp.psh(), 'P'),
        (tcp.urg(), 'U'),
        (tcp.ack(), '.'),
    ];
    bits.iter().filter(|(set, _)| *set).map(|(_, letter)| letter).collect()
}

#[cfg(test)]
mod tests {
    use etherparse::{PacketBuilder, VlanId};
    use lb_common::trace::CAPTURE;

    use super::*;

    const CLIENT4: [u8; 4] = [198, 51, 100, 7];
    const VIP4: [u8; 4] = [192, 0, 2, 10];

    fn addresses4() -> (IpAddr, IpAddr) {
        (IpAddr::from(CLIENT4), IpAddr::from(VIP4))
    }

    /// The frame, and as much of it as an event has.
    fn captured(mut frame: Vec<u8>) -> Vec<u8> {
        frame.truncate(CAPTURE);
        frame
    }

    #[test]
    fn a_syn_over_ipv4() {
        let build = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(CLIENT4, VIP4, 64);
        let build = build.tcp(40000, 80, 1, 65535).syn();
        let mut frame = Vec::new();
        build.write(&mut frame, &[]).unwrap();
        let expected = Headers {
            protocol: "tcp".to_owned(),
            addresses: Some(addresses4()),
            ports: Some((40000, 80)),
            tcp_flags: Some("S".to_owned()),
            ..Headers::default()
        };
        assert_eq!(read(&frame), expected);
    }

    #[test]
    fn a_long_datagram_over_ipv6_in_two_tags_is_read_from_its_beginning() {
        let (client, vip) = ("2001:db8::99", "2001:db8::10");
        let octets = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
        let outer = VlanId::try_new(100).unwrap();
        let inner = VlanId::try_new(20).unwrap();
        let build = PacketBuilder::ethernet2([2; 6], [4; 6]).double_vlan(outer, inner);
        let build = build.ipv6(octets(client), octets(vip), 64).udp(5353, 53);
        let mut frame = Vec::new();
        build.write(&mut frame, &[7; 1400]).unwrap();
        let headers = read(&captured(frame));
        assert_eq!(headers.vlans, [100, 20]);
        assert_eq!(headers.addresses, Some((client.parse().unwrap(), vip.parse().unwrap())));
        assert_eq!((headers.protocol.as_str(), headers.ports), ("udp", Some((5353, 53))));
    }

    #[test]
    fn a_later_fragment_has_no_ports() {
        let build = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(CLIENT4, VIP4, 64);
        let mut frame = Vec::new();
        build.udp(5353, 53).write(&mut frame, &[7; 64]).unwrap();
        // Offset 185, in units of eight bytes.
        frame[20..22].copy_from_slice(&[0x00, 0xb9]);
        let headers = read(&frame);
        assert_eq!((headers.protocol.as_str(), headers.ports), ("udp", None));
        assert_eq!(headers.addresses, Some(addresses4()));
    }

    #[test]
    fn an_icmp_message_has_addresses() {
        let build = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(CLIENT4, VIP4, 64);
        let mut frame = Vec::new();
        build.icmpv4_echo_request(1, 2).write(&mut frame, &[0; 8]).unwrap();
        let headers = read(&frame);
        assert_eq!((headers.protocol.as_str(), headers.addresses), ("icmp", Some(addresses4())));
    }

    #[test]
    fn what_is_no_ip_has_its_name_or_ethertype() {
        let mut frame = vec![0; 60];
        frame[12..14].copy_from_slice(&[0x88, 0xcc]);
        assert_eq!(read(&frame).protocol, "0x88cc");
        let arp = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1];
        frame[12..22].copy_from_slice(&arp);
        assert_eq!(read(&frame).protocol, "arp");
    }

    #[test]
    fn no_cut_is_too_short_to_be_read() {
        let build = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(CLIENT4, VIP4, 64);
        let mut frame = Vec::new();
        build.tcp(40000, 80, 1, 65535).ack(2).write(&mut frame, &[1; 10]).unwrap();
        for cut in 0..frame.len() {
            let headers = read(&frame[..cut]);
            assert!(headers.ports.is_none() || cut >= 54, "{cut}: {headers:?}");
            assert!(!headers.protocol.is_empty(), "{cut}: {headers:?}");
        }
        assert_eq!(read(&frame).tcp_flags.as_deref(), Some("."));
    }
}
