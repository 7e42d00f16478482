//! Whatever arrives at the socket of adverts: no panic, what is read is the same after it was
//! written again, and what does not count is counted once, with words. The first byte says by
//! which way the message came, and whether its checksum is put right; the others are the message.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use std::time::Instant;

use lb_ctl::config::vrrp::{Checksum, Instance, Version, VirtualAddress};
use lb_ctl::vrrp::accept::{Counters, Kind, Once, Packet, addressee, judge};
use lb_ctl::vrrp::packet::{GROUP_V4, GROUP_V6, HOPS, PROTOCOL, decode, encode};
use libfuzzer_sys::fuzz_target;

const OWN: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
];
const PEER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2)),
];
const GROUP: [IpAddr; 2] = [IpAddr::V4(GROUP_V4), IpAddr::V6(GROUP_V6)];

/// VRID 1 has a password, 2 and 3 are of version 3, and 3 has a peer.
static INSTANCES: LazyLock<Vec<Instance>> = LazyLock::new(|| {
    let password = Some("secret".to_owned());
    let v2 = Instance { version: Version::V2, password, ..instance(1, OWN[0]) };
    let unicast = |own: usize| Instance { unicast_peers: vec![PEER[own]], ..instance(3, OWN[own]) };
    vec![v2, instance(2, OWN[0]), unicast(0), instance(2, OWN[1]), unicast(1)]
});

fn instance(vrid: u8, address: IpAddr) -> Instance {
    Instance {
        version: Version::V3,
        ..Instance::new(
            &vrid.to_string(),
            "eth0",
            vrid,
            vec![VirtualAddress { address, prefix: 32, interface: None }],
        )
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((way, message)) = bytes.split_first() else { return };
    let is = |bit: u8| way & (1 << bit) != 0;
    let family = usize::from(is(0));
    let source = if is(1) { OWN[family] } else { PEER[family] };
    let destination = if is(2) { OWN[family] } else { GROUP[family] };
    let ttl = if is(3) { None } else { Some(HOPS) };
    let mut payload = message.to_vec();
    if is(4) {
        put_right(&mut payload, source, destination);
    }
    written_again(&payload, source, destination);
    judged(&Packet { source, destination, ttl, payload });
});

fn written_again(message: &[u8], source: IpAddr, destination: IpAddr) {
    let Ok(decoded) = decode(message, source, destination) else { return };
    for checksum in Checksum::ALL {
        let message = encode(&decoded.advert, checksum, source, destination);
        let again = decode(&message, source, destination).expect("what is written can be read");
        assert_eq!(again.advert, decoded.advert);
    }
}

fn judged(packet: &Packet) {
    let own = if packet.source.is_ipv4() { OWN[0] } else { OWN[1] };
    let verdict = addressee(&*INSTANCES, packet)
        .and_then(|instance| judge(instance, own, packet).map(|it| (instance.vrid, it)));
    let (mut counters, mut once, now) = (Counters::default(), Once::default(), Instant::now());
    counters.count_heard(verdict.as_ref().map(|(_, accepted)| accepted));
    let rejected: u64 = Kind::ALL.map(|kind| counters.rejected(kind)).iter().sum();
    assert_eq!(counters.received + rejected, 1);
    match verdict {
        Ok((vrid, accepted)) => {
            assert!(packet.ttl == Some(HOPS) || vrid == 3, "from beyond the link");
            assert_ne!(accepted.heard.source, own);
            assert_eq!(once.accepted(now, &accepted, vrid), accepted.differs.is_some());
        }
        Err(why) => {
            assert!(!why.to_string().is_empty());
            assert!(once.rejected(now, &why, packet.source, 0));
            assert!(!once.rejected(now, &why, packet.source, 0));
        }
    }
}

/// Chance does not find checksums: it is that with the pseudo-header, or in version 2 without.
fn put_right(message: &mut [u8], source: IpAddr, destination: IpAddr) {
    let Some(&[kind, _, _, count, _, _, _, _]) = message.first_chunk() else { return };
    let v2 = kind >> 4 == 2;
    let address = if source.is_ipv4() { 4 } else { 16 };
    let length = 8 + usize::from(count) * address + if v2 { 8 } else { 0 };
    let Some(message) = message.get_mut(..length) else { return };
    message[6..8].fill(0);
    let mut covered = message.to_vec();
    if !v2 {
        for address in [source, destination] {
            match address {
                IpAddr::V4(address) => covered.extend(address.octets()),
                IpAddr::V6(address) => covered.extend(address.octets()),
            }
        }
        covered.extend((length as u16).to_be_bytes());
        covered.extend([0, PROTOCOL]);
    }
    // RFC 1071.
    let words = covered.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    message[6..8].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
