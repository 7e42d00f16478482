use std::time::Duration;

use super::*;
use crate::config::vrrp::{Checksum, VirtualAddress};
use crate::vrrp::packet::{GROUP_V4, GROUP_V6, encode};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn virtual_addresses(texts: &[&str]) -> Vec<VirtualAddress> {
    let whole = |text: &&str| VirtualAddress { address: ip(text), prefix: 32, interface: None };
    texts.iter().map(whole).collect()
}

/// A virtual router of version 2 with a password, by multicast.
pub(crate) fn sample() -> Instance {
    Instance {
        version: Version::V2,
        password: Some("secret".to_owned()),
        ..Instance::new("V", "eth0", 51, virtual_addresses(&["192.0.2.10", "192.0.2.11"]))
    }
}

fn v3() -> Instance {
    let advert_interval = Duration::from_millis(100);
    Instance { version: Version::V3, password: None, advert_interval, ..sample() }
}

fn unicast() -> Instance {
    Instance { unicast_peers: vec![PEER], ..v3() }
}

fn v6() -> Instance {
    let addresses = virtual_addresses(&["2001:db8::10", "fe80::10"]);
    Instance { addresses, ..v3() }
}

const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

/// What is other than usual in a packet.
type Change<'a> = &'a dyn Fn(&mut Advert, &mut Packet);

/// What the peer of a virtual router sends, as `change` has it.
fn heard(instance: &Instance, change: impl FnOnce(&mut Advert, &mut Packet)) -> Packet {
    let v4 = instance.is_ipv4();
    let group = if v4 { GROUP_V4.into() } else { GROUP_V6.into() };
    let destination = if instance.unicast_peers.is_empty() { group } else { OWN };
    let source = if v4 { PEER } else { ip("fe80::2") };
    let mut packet = Packet { source, destination, ttl: Some(255), payload: Vec::new() };
    let mut advert = Advert::of(instance, 150);
    change(&mut advert, &mut packet);
    packet.payload = encode(&advert, instance.checksum, packet.source, packet.destination);
    packet
}

fn judged(instance: &Instance, packet: &Packet) -> Result<Accepted, Rejected> {
    let own = if instance.is_ipv4() { OWN } else { ip("fe80::1") };
    judge(instance, own, packet)
}

#[test]
fn good_adverts_count_in_every_form() {
    for (instance, covered) in [
        (sample(), Covered::Message),
        (v3(), Covered::PseudoHeader),
        (Instance { checksum: Checksum::Message, ..v3() }, Covered::Message),
        (unicast(), Covered::PseudoHeader),
        (v6(), Covered::PseudoHeader),
    ] {
        let packet = heard(&instance, |_, _| ());
        assert_eq!(addressee([&instance], &packet), Ok(&instance));
        let interval = instance.advert_interval;
        let heard = Heard { priority: 150, interval, source: packet.source };
        assert_eq!(judged(&instance, &packet), Ok(Accepted { heard, covered, differs: None }));
    }
}

#[test]
fn a_packet_is_for_the_virtual_router_of_its_family_and_number() {
    let (four, six) = (v3(), v6());
    let both = [&four, &six];
    assert_eq!(addressee(both, &heard(&six, |_, _| ())), Ok(&six));
    assert_eq!(addressee(both, &heard(&four, |_, _| ())), Ok(&four));
    let unknown = heard(&four, |advert, _| advert.vrid = 9);
    assert_eq!(addressee(both, &unknown), Err(Rejected::UnknownVrid { vrid: 9 }));
    assert_eq!(judged(&four, &unknown), Err(Rejected::UnknownVrid { vrid: 9 }));
    let short = Packet { payload: vec![0x31], ..unknown };
    assert_eq!(addressee(both, &short).unwrap_err().kind(), Kind::Length);
}

#[test]
fn what_does_not_count_is_named() {
    let cases: [(Instance, Change<'_>, Kind); 16] = [
        (sample(), &|_, packet| packet.ttl = Some(254), Kind::Hops),
        (v6(), &|_, packet| packet.ttl = None, Kind::Hops),
        (v3(), &|advert, _| advert.version = Version::V2, Kind::Version),
        (sample(), &|advert, _| advert.version = Version::V3, Kind::Version),
        (sample(), &|advert, _| advert.auth = None, Kind::AuthType),
        (
            Instance { password: None, ..sample() },
            &|advert, _| advert.auth = Some([0; 8]),
            Kind::AuthType,
        ),
        (sample(), &|advert, _| advert.auth = Some(*b"Secret\0\0"), Kind::Password),
        (sample(), &|advert, _| advert.auth = Some(*b"secret\0x"), Kind::Password),
        (sample(), &|advert, _| advert.interval *= 2, Kind::Interval),
        (v3(), &|advert, _| advert.addresses.clear(), Kind::Addresses),
        (v6(), &|advert, _| advert.addresses.clear(), Kind::Addresses),
        (unicast(), &|_, packet| packet.destination = GROUP_V4.into(), Kind::Multicast),
        (v3(), &|_, packet| packet.destination = OWN, Kind::Unicast),
        (v3(), &|_, packet| packet.source = OWN, Kind::OwnAddress),
        (unicast(), &|_, packet| packet.source = OWN, Kind::OwnAddress),
        (unicast(), &|_, packet| packet.source = ip("192.0.2.3"), Kind::NotAPeer),
    ];
    for (place, (instance, change, kind)) in cases.into_iter().enumerate() {
        let why = judged(&instance, &heard(&instance, change)).unwrap_err();
        assert_eq!(why.kind(), kind, "case {place}: {why}");
    }
}

#[test]
fn broken_bytes_are_named() {
    for instance in [sample(), v3(), unicast(), v6()] {
        let good = heard(&instance, |_, _| ());
        for (place, mask, kind) in [
            (0, 0x70, Kind::Version),
            (0, 0x02, Kind::Type),
            (2, 0xff, Kind::Checksum),
            (3, 0x40, Kind::Length),
        ] {
            let mut packet = good.clone();
            packet.payload[place] ^= mask;
            let why = judged(&instance, &packet).unwrap_err();
            assert_eq!(why.kind(), kind, "byte {place} of {:02x?}: {why}", good.payload);
        }
    }
}

/// keepalived's order: one advert with many faults is counted as the first of them.
#[test]
fn the_first_fault_in_keepaliveds_order_is_the_one_that_is_named() {
    use Kind::{Checksum, Hops, Interval, OwnAddress, Password, Type, Version};

    let instance = sample();
    let mut packet = heard(&instance, |advert, packet| {
        advert.auth = Some([b'x'; 8]);
        advert.interval *= 2;
        packet.source = OWN;
    });
    packet.ttl = Some(1);
    packet.payload[0] = 0x3f;
    packet.payload[7] ^= 0xff;
    let length = packet.payload.len();
    let mut named = Vec::new();
    // Each is put right as soon as it was named.
    while let Err(why) = judged(&instance, &packet) {
        named.push(why.kind());
        match why.kind() {
            Kind::Hops => packet.ttl = Some(255),
            Kind::Version => packet.payload[0] = 0x2f,
            Kind::Password => packet.payload[length - 8..].copy_from_slice(b"secret\0\0"),
            Kind::Interval => packet.payload[5] = 1,
            Kind::Type => packet.payload[0] = 0x21,
            Kind::Checksum => packet.payload = heard(&instance, |_, _| ()).payload,
            Kind::OwnAddress => packet.source = PEER,
            other => panic!("{other:?} after {named:?}"),
        }
    }
    assert_eq!(named, [Hops, Version, Password, Interval, Type, Checksum, OwnAddress]);
}

#[test]
fn peers_may_be_beyond_routers() {
    let instance = unicast();
    let packet = heard(&instance, |_, packet| packet.ttl = Some(61));
    assert!(judged(&instance, &packet).is_ok());
}

#[test]
fn version_3_goes_by_the_interval_of_the_master() {
    let instance = v3();
    let packet = heard(&instance, |advert, _| advert.interval *= 7);
    assert_eq!(judged(&instance, &packet).unwrap().heard.interval, instance.advert_interval * 7);
}

#[test]
fn other_addresses_are_only_noted() {
    let instance = v3();
    let packet = heard(&instance, |advert, _| {
        advert.addresses = vec![ip("192.0.2.12"), ip("192.0.2.11")];
    });
    let differs = judged(&instance, &packet).unwrap().differs.unwrap();
    let (foreign, missing) = (vec![ip("192.0.2.12")], vec![ip("192.0.2.10")]);
    assert_eq!(differs, Difference { foreign, missing });
    let words = differs.to_string();
    assert!(words.contains("it has 192.0.2.12; it lacks 192.0.2.10; define"), "{words}");
    let reversed = heard(&instance, |advert, _| advert.addresses.reverse());
    assert_eq!(judged(&instance, &reversed).unwrap().differs, None);
}

#[test]
fn every_fault_is_told_in_words() {
    let interval = Duration::from_secs(1);
    for (why, words) in [
        (Rejected::UnknownVrid { vrid: 9 }, "no virtual router has VRID 9 here"),
        (Rejected::Hops { hops: Some(64) }, "its TTL is 64, not 255"),
        (Rejected::Hops { hops: None }, "its TTL is unknown, not 255"),
        (Rejected::Version { heard: 2, own: 3 }, "its version is 2, this director's is 3"),
        (Rejected::AuthType { heard: 0, own: 1 }, "its type of authentication is 0"),
        (Rejected::Interval { heard: interval * 2, own: interval }, "its interval is 2 s"),
        (Rejected::OwnAddress { own: OWN }, "this director's own address 192.0.2.1"),
        (Rejected::NotAPeer { peer: PEER }, "192.0.2.2 is not among `unicast_peers`"),
        (Rejected::Malformed(PacketError::Checksum), "its checksum is wrong"),
    ] {
        assert!(why.to_string().starts_with(words) || why.to_string().contains(words), "{why}");
    }
}
