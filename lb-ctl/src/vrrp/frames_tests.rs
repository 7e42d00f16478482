use proptest::prelude::*;

use super::*;

const MAC: Mac = [2, 0, 0, 0, 0, 0x0a];
const OTHER: Mac = [2, 0, 0, 0, 0, 0x0b];

fn ip<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// `01 02` as bytes.
fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn a_gratuitous_request_is_as_keepalived_sends_it() {
    let expected = hex("ff ff ff ff ff ff 02 00 00 00 00 0a 08 06 \
                        00 01 08 00 06 04 00 01 02 00 00 00 00 0a c0 00 02 0a \
                        ff ff ff ff ff ff c0 00 02 0a");
    assert_eq!(announcement(MAC, ip("192.0.2.10"), true), expected);
}

#[test]
fn a_probe_has_no_sender_address() {
    let expected = hex("ff ff ff ff ff ff 02 00 00 00 00 0a 08 06 \
                        00 01 08 00 06 04 00 01 02 00 00 00 00 0a 00 00 00 00 \
                        00 00 00 00 00 00 c0 00 02 0a");
    assert_eq!(probe(MAC, ip("192.0.2.10")), expected);
    assert_eq!(claim(&expected), None);
}

#[test]
fn a_router_is_asked_alone_where_its_mac_is_known() {
    let frame = request(MAC, ip("192.0.2.10"), ip("192.0.2.254"), Some(OTHER));
    let expected = hex("02 00 00 00 00 0b 02 00 00 00 00 0a 08 06 \
                        00 01 08 00 06 04 00 01 02 00 00 00 00 0a c0 00 02 0a \
                        00 00 00 00 00 00 c0 00 02 fe");
    assert_eq!(frame, expected);
    let frame = request(MAC, ip("192.0.2.10"), ip("192.0.2.254"), None);
    assert_eq!(frame[..6], BROADCAST);
    assert_eq!(frame[6..], expected[6..]);
}

#[test]
fn an_advertisement_to_all_nodes() {
    // The checksum was computed apart from this code, as in RFC 4443, section 2.3.
    let expected = hex("33 33 00 00 00 01 02 00 00 00 00 0a 86 dd \
                        60 00 00 00 00 20 3a ff \
                        20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 10 \
                        ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01 \
                        88 00 79 03 a0 00 00 00 \
                        20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 10 \
                        02 01 02 00 00 00 00 0a");
    assert_eq!(announcement(MAC, ip("2001:db8::10"), true), expected);
    let host = announcement(MAC, ip("2001:db8::10"), false);
    assert_eq!(host[58], 0x20);
}

#[test]
fn a_solicitation_goes_to_the_group_of_the_address() {
    let frame = probe(MAC, ip("2001:db8::12:3456"));
    assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let Some(NetSlice::Ipv6(ip6)) = packet.net else { panic!("{packet:?}") };
    let header = ip6.header();
    assert_eq!(header.source_addr(), Ipv6Addr::UNSPECIFIED);
    assert_eq!(header.destination_addr(), ip::<Ipv6Addr>("ff02::1:ff12:3456"));
    assert_eq!(header.hop_limit(), 255);
    let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!() };
    assert!(icmp.is_checksum_valid(header.source(), header.destination()));
    assert_eq!(icmp.icmp_type(), Icmpv6Type::NeighborSolicitation);
    // No option: there is no source that one could be of.
    assert_eq!(icmp.payload(), ip::<Ipv6Addr>("2001:db8::12:3456").octets());
    assert_eq!(claim(&frame), None);
}

#[test]
fn replies_claim_as_requests_do() {
    let mut frame = announcement(MAC, ip("192.0.2.10"), false);
    let claimed = Some(Claim { address: ip("192.0.2.10"), mac: MAC });
    for (operation, expected) in [(1, claimed), (2, claimed), (3, None), (0, None)] {
        frame[21] = operation;
        assert_eq!(claim(&frame), expected, "operation {operation}");
    }
}

#[test]
fn what_neighbours_would_not_take_is_no_claim() {
    let good = announcement(MAC, ip("2001:db8::10"), false);
    assert_eq!(claim(&good), Some(Claim { address: ip("2001:db8::10"), mac: MAC }));
    // The hop limit, the checksum, a solicited answer to everybody, an option without a length.
    for (at, value) in [(21, 254), (56, 0xff), (58, 0x60), (79, 0)] {
        let mut bad = good.clone();
        bad[at] = value;
        let Some((ethernet, ip6)) = bad.split_at_mut_checked(14) else { panic!() };
        if at != 56 {
            sum_anew(ip6);
        }
        let bad = [&*ethernet, &*ip6].concat();
        assert_eq!(claim(&bad), None, "byte {at}");
    }
}

#[test]
fn without_its_option_an_advertisement_is_of_its_sender() {
    let mut frame = announcement(MAC, ip("2001:db8::10"), false);
    frame.truncate(78);
    frame[19] = 24;
    frame[6..12].copy_from_slice(&OTHER);
    sum_anew(&mut frame[14..]);
    assert_eq!(claim(&frame), Some(Claim { address: ip("2001:db8::10"), mac: OTHER }));
}

#[test]
fn groups_and_tagged_frames_claim_nothing() {
    let mut group = announcement(MAC, ip("192.0.2.10"), false);
    group[22] = 0x01;
    assert_eq!(claim(&group), None);
    let mut tagged = announcement(MAC, ip("192.0.2.10"), false);
    tagged.splice(12..12, [0x81, 0x00, 0x00, 0x0a]);
    assert_eq!(claim(&tagged), None);
}

/// Writes the checksum of an ICMPv6 packet anew.
fn sum_anew(packet: &mut [u8]) {
    packet[42..44].copy_from_slice(&[0, 0]);
    let length = u32::from(packet[4]) << 8 | u32::from(packet[5]);
    let mut summed = packet[8..].to_vec();
    summed.extend(length.to_be_bytes());
    summed.extend([0, 0, 0, 58]);
    let words = summed.chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(word[1]));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    packet[42..44].copy_from_slice(&sum.to_be_bytes());
}

fn any_unicast() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<Ipv4Addr>().prop_filter("somebody", |a| !a.is_unspecified()).prop_map(IpAddr::from),
        any::<Ipv6Addr>().prop_filter("one", |a| !a.is_multicast()).prop_map(IpAddr::from),
    ]
}

fn any_mac() -> impl Strategy<Value = Mac> {
    any::<Mac>().prop_map(|mut mac| {
        mac[0] &= !1;
        mac
    })
}

proptest! {
    #[test]
    fn what_is_announced_is_understood(mac in any_mac(), address in any_unicast(), router: bool) {
        let frame = announcement(mac, address, router);
        prop_assert_eq!(claim(&frame), Some(Claim { address, mac }));
        // Drivers fill short frames up.
        let padded = [&frame[..], &[0; 18]].concat();
        prop_assert_eq!(claim(&padded), Some(Claim { address, mac }));
    }

    #[test]
    fn questions_claim_what_they_come_from(
        mac in any_mac(), address: Ipv4Addr, router: Ipv4Addr, to in proptest::option::of(any_mac()),
    ) {
        let expected = (!address.is_unspecified()).then_some(Claim { address: address.into(), mac });
        prop_assert_eq!(claim(&request(mac, address, router, to)), expected);
    }

    #[test]
    fn probes_claim_nothing(mac in any_mac(), address in any_unicast()) {
        prop_assert_eq!(claim(&probe(mac, address)), None);
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        let _ = claim(&bytes);
    }

    #[test]
    fn frames_with_any_byte_changed_or_cut_are_read(
        mac in any_mac(), address in any_unicast(), at: proptest::sample::Index, value: u8,
        cut: proptest::sample::Index,
    ) {
        let mut frame = announcement(mac, address, false);
        let at = at.index(frame.len());
        frame[at] = value;
        let _ = claim(&frame);
        frame.truncate(cut.index(frame.len()));
        prop_assert_eq!(claim(&frame), None);
    }
}
