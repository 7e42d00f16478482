use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::config::vrrp::VirtualAddress;

const MULTICAST: IpAddr = IpAddr::V4(GROUP_V4);
const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const SENDER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2));
const HUNDREDTHS: Duration = Duration::from_millis(100);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn v2() -> Advert {
    Advert {
        version: Version::V2,
        vrid: 51,
        priority: 100,
        interval: Duration::from_secs(1),
        addresses: vec![ip("192.0.2.10"), ip("192.0.2.11")],
        auth: Some(*b"secret\0\0"),
    }
}

fn v3(vrid: u8, priority: u8, addresses: &[&str]) -> Advert {
    let addresses = addresses.iter().map(|text| ip(text)).collect();
    Advert { version: Version::V3, vrid, priority, interval: HUNDREDTHS, addresses, auth: None }
}

/// What keepalived 2.2.7 sends, from whom, to whom, and what it says.
fn keepalived() -> [(Vec<u8>, IpAddr, IpAddr, Advert); 4] {
    let v6 = "31366402 000a4033 fe800000000000000000000000000010 20010db8000000000000000000000010";
    [
        (bytes("21336402 0101b966 c000020a c000020b 7365637265740000"), SENDER, MULTICAST, v2()),
        (bytes("31346401 000a0622 c000020c"), SENDER, MULTICAST, v3(52, 100, &["192.0.2.12"])),
        (bytes("3135ff01 000a8930 c000020d"), SENDER, PEER, v3(53, 255, &["192.0.2.13"])),
        (bytes(v6), SENDER_V6, GROUP_V6.into(), v3(54, 100, &["fe80::10", "2001:db8::10"])),
    ]
}

#[test]
fn what_keepalived_sends_is_read_and_written_alike() {
    for (message, source, destination, advert) in keepalived() {
        let v2 = advert.version == Version::V2;
        let decoded = decode(&message, source, destination).unwrap();
        let checksum = if v2 { Covered::Message } else { Covered::PseudoHeader };
        assert_eq!(decoded, Decoded { advert: advert.clone(), auth_type: v2.into(), checksum });
        assert_eq!(encode(&advert, Checksum::PseudoHeader, source, destination), message);
    }
}

#[test]
fn all_three_checksums_of_version_3_over_ipv4_are_told_apart() {
    let advert = v3(7, 100, &["192.0.2.10"]);
    let read = |message: &[u8]| decode(message, SENDER, PEER).unwrap().checksum;
    assert_eq!(read(&encode(&advert, Checksum::Message, SENDER, PEER)), Covered::Message);
    assert_eq!(read(&encode(&advert, Checksum::PseudoHeader, SENDER, PEER)), Covered::PseudoHeader);
    // keepalived until 1.3.6 counted the group in, whoever it sent to.
    let old = encode(&advert, Checksum::PseudoHeader, SENDER, MULTICAST);
    assert_eq!(read(&old), Covered::GroupPseudoHeader);
    assert_eq!(decode(&old, SENDER, MULTICAST).unwrap().checksum, Covered::PseudoHeader);
    let foreign = encode(&advert, Checksum::PseudoHeader, PEER, ip("192.0.2.3"));
    assert_eq!(decode(&foreign, SENDER, PEER), Err(PacketError::Checksum));
}

#[test]
fn over_ipv6_the_pseudo_header_is_never_left_out() {
    let (advert, group) = (v3(7, 100, &["fe80::10"]), IpAddr::V6(GROUP_V6));
    let message = encode(&advert, Checksum::Message, SENDER_V6, group);
    assert_eq!(decode(&message, SENDER_V6, group).unwrap().checksum, Covered::PseudoHeader);
    let mut alone = message;
    alone[6..8].fill(0);
    let checksum = sum(&alone, None).to_ne_bytes();
    alone[6..8].copy_from_slice(&checksum);
    assert_eq!(decode(&alone, SENDER_V6, group), Err(PacketError::Checksum));
}

#[test]
fn a_message_that_ends_early_is_none() {
    for (message, source, destination, _) in keepalived() {
        for length in 0..message.len() {
            let error = decode(&message[..length], source, destination).unwrap_err();
            let needed = if length < HEADER { HEADER } else { message.len() };
            assert_eq!(error, PacketError::Length { bytes: length, needed });
        }
    }
}

#[test]
fn what_ethernet_fills_up_is_left_aside() {
    for (message, source, destination, advert) in keepalived() {
        let padded = [&message[..], b"\x00\xffpadding"].concat();
        assert_eq!(decode(&padded, source, destination).unwrap().advert, advert);
    }
}

/// A message of keepalived with other bytes at the place, and the checksum made right.
fn changed(which: usize, place: usize, other: &[u8]) -> Result<Decoded, PacketError> {
    let (mut message, source, destination, advert) = keepalived()[which].clone();
    message[place..place + other.len()].copy_from_slice(other);
    message[6..8].fill(0);
    let pseudo = (advert.version == Version::V3).then_some((source, destination));
    let checksum = sum(&message, pseudo).to_ne_bytes();
    message[6..8].copy_from_slice(&checksum);
    decode(&message, source, destination)
}

#[test]
fn a_field_that_must_not_say_that_is_named() {
    for (which, place, other, error) in [
        (1, 0, &[0x41][..], PacketError::Version { version: 4 }),
        (1, 0, &[0x01], PacketError::Version { version: 0 }),
        (3, 0, &[0x11], PacketError::Version { version: 1 }),
        (0, 0, &[0x22], PacketError::Type { kind: 2 }),
        (1, 0, &[0x30], PacketError::Type { kind: 0 }),
        (1, 1, &[0], PacketError::Vrid),
        (0, 5, &[0], PacketError::Interval),
        (1, 4, &[0xf0, 0], PacketError::Interval),
    ] {
        assert_eq!(changed(which, place, other), Err(error), "{which} {place} {other:?}");
    }
    let none = encode(&v3(7, 100, &[]), Checksum::PseudoHeader, SENDER, PEER);
    assert_eq!(decode(&none, SENDER, PEER), Err(PacketError::Addresses));
    // RFC 3768 has no version 2 over IPv6, whatever there is room for.
    let v6 = [&[0x21, 7, 100, 1, 0, 1, 0, 0][..], &[0; 24]].concat();
    let error = decode(&v6, SENDER_V6, GROUP_V6.into()).unwrap_err();
    assert_eq!(error, PacketError::Version { version: 2 });
}

#[test]
fn what_is_reserved_or_free_is_not_looked_at() {
    let advert = changed(1, 4, &[0xf0, 0x0a]).unwrap().advert;
    assert_eq!(advert.interval, HUNDREDTHS);
    assert_eq!(changed(1, 4, &[0x0f, 0xff]).unwrap().advert.interval.as_millis(), 40_950);
    let decoded = changed(0, 4, &[2]).unwrap();
    assert_eq!((decoded.auth_type, decoded.advert.auth), (2, None));
    assert_eq!(changed(0, 4, &[0]).unwrap().advert.auth, None);
    assert_eq!(changed(1, 2, &[0]).unwrap().advert.priority, 0);
}

#[test]
fn version_2_may_have_no_address() {
    let advert = Advert { addresses: Vec::new(), ..v2() };
    let message = encode(&advert, Checksum::PseudoHeader, SENDER, MULTICAST);
    assert_eq!(decode(&message, SENDER, MULTICAST).unwrap().advert, advert);
}

#[test]
fn a_flipped_bit_is_found() {
    for (message, source, destination, _) in keepalived() {
        for bit in 0..message.len() * 8 {
            let mut flipped = message.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped, source, destination).is_err(), "bit {bit} of {message:02x?}");
        }
    }
}

#[test]
fn link_local_addresses_come_first_and_none_is_made_up() {
    let mut instance = crate::vrrp::accept::sample();
    let addresses = |instance: &mut Instance, texts: &[&str]| {
        instance.addresses = texts
            .iter()
            .map(|text| VirtualAddress { address: ip(text), prefix: 128, interface: None })
            .collect();
        advertised(instance).iter().map(IpAddr::to_string).collect::<Vec<_>>()
    };
    let mixed = ["2001:db8::2", "fe80::9", "2001:db8::1", "fe80::1"];
    assert_eq!(
        addresses(&mut instance, &mixed),
        ["fe80::9", "fe80::1", "2001:db8::2", "2001:db8::1"]
    );
    assert_eq!(addresses(&mut instance, &["2001:db8::2"]), ["2001:db8::2"]);
    assert_eq!(
        addresses(&mut instance, &["192.0.2.9", "169.254.0.1"]),
        ["192.0.2.9", "169.254.0.1"]
    );
    instance.password = Some("secret".to_owned());
    let advert = Advert::of(&instance, 0);
    assert_eq!((advert.priority, advert.auth), (0, Some(*b"secret\0\0")));
}

fn any_v4() -> impl Strategy<Value = IpAddr> {
    any::<Ipv4Addr>().prop_map(IpAddr::V4)
}

fn any_v6() -> impl Strategy<Value = IpAddr> {
    any::<Ipv6Addr>().prop_map(IpAddr::V6)
}

/// An advert, and from whom to whom it goes.
fn any_advert() -> impl Strategy<Value = (Advert, IpAddr, IpAddr)> {
    let v2 = (1_u64..=255, any::<Option<[u8; 8]>>(), vec(any_v4(), 0..=255), any_v4(), any_v4())
        .prop_map(|(seconds, auth, list, from, to)| {
            (Version::V2, Duration::from_secs(seconds), auth, list, from, to)
        });
    let v3 = |list: BoxedStrategy<Vec<IpAddr>>, ip: fn() -> BoxedStrategy<IpAddr>| {
        (1_u32..=4095, list, ip(), ip()).prop_map(|(hundredths, list, from, to)| {
            (Version::V3, CENTISECOND * hundredths, None, list, from, to)
        })
    };
    let over_v4 = v3(vec(any_v4(), 1..=255).boxed(), || any_v4().boxed());
    let over_v6 = v3(vec(any_v6(), 1..=255).boxed(), || any_v6().boxed());
    (prop_oneof![v2, over_v4, over_v6], 1_u8.., any::<u8>()).prop_map(
        |((version, interval, auth, addresses, from, to), vrid, priority)| {
            (Advert { version, vrid, priority, interval, addresses, auth }, from, to)
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        (advert, from, to) in any_advert(),
        checksum in prop_oneof![Just(Checksum::PseudoHeader), Just(Checksum::Message)],
    ) {
        let message = encode(&advert, checksum, from, to);
        let decoded = decode(&message, from, to).unwrap();
        prop_assert_eq!(&decoded.advert, &advert);
        prop_assert_eq!(decoded.auth_type, u8::from(advert.auth.is_some()));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        message in vec(any::<u8>(), 0..64),
        (from, to) in prop_oneof![(any_v4(), any_v4()), (any_v6(), any_v6()), (any_v4(), any_v6())],
    ) {
        let _ = decode(&message, from, to);
    }

    /// Whatever is read says the same when it is written again.
    #[test]
    fn good_headers_are_read_and_written_alike(
        kind in prop_oneof![Just(0x21_u8), Just(0x31)],
        rest in vec(any::<u8>(), 40),
        count in 0_u8..4,
    ) {
        let mut message = [&[kind], &rest[..]].concat();
        message[3] = count;
        message[6..8].fill(0);
        let length = HEADER + usize::from(count) * 4 + if kind == 0x21 { AUTH } else { 0 };
        let checksum = sum(&message[..length], None).to_ne_bytes();
        message[6..8].copy_from_slice(&checksum);
        if let Ok(decoded) = decode(&message, SENDER, PEER) {
            let again = encode(&decoded.advert, Checksum::Message, SENDER, PEER);
            prop_assert_eq!(decode(&again, SENDER, PEER).unwrap().advert, decoded.advert);
        }
    }
}
