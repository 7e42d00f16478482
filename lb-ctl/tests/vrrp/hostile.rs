//! Adverts that must not count, from a machine on the same network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use bench::lab::{Director, Lab};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, sendto, socket,
};
use serde_json::{Value, json};

use crate::pair::{INSTANCE, VIP, instance, lab, send, shown, start, times, wait};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VRID: u8 = 51;

/// IP protocol 112 (RFC 9568, section 5.1.1.4).
const VRRP: u8 = 112;

/// Sends IPv4 packets with headers made by hand from the client.
struct Stranger {
    socket: OwnedFd,
    address: Ipv4Addr,
}

impl Stranger {
    fn new(lab: &Lab) -> Self {
        let open = || {
            socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw)
        };
        lab.client.namespace.ip("route add 224.0.0.0/4 dev eth0\n").unwrap();
        let socket = lab.client.namespace.enter(open).unwrap().unwrap();
        Self { socket, address: lab.client.ipv4 }
    }

    fn send(&self, packet: &Packet) {
        // RFC 791, section 3.1. The kernel fills in length and checksum (raw(7)).
        let mut bytes = vec![0x45, 0xc0, 0, 0, 0, 0, 0, 0, packet.ttl, VRRP, 0, 0];
        bytes.extend(packet.source.octets());
        bytes.extend(GROUP.octets());
        bytes.extend(&packet.message);
        let to = SockaddrStorage::from(SocketAddr::new(IpAddr::V4(GROUP), 0));
        let sent = sendto(self.socket.as_raw_fd(), &bytes, &to, MsgFlags::empty());
        assert_eq!(sent, Ok(bytes.len()));
    }
}

#[derive(Clone)]
struct Packet {
    source: Ipv4Addr,
    ttl: u8,
    message: Vec<u8>,
}

/// An advert of version 3 that is good in every respect (RFC 9568, section 5.2), its checksum that
/// of the message alone.
fn advert(source: Ipv4Addr, vrid: u8, priority: u8) -> Packet {
    let mut message = vec![0x31, vrid, priority, 1, 0, 10, 0, 0, 192, 0, 2, 10];
    set_checksum(&mut message);
    Packet { source, ttl: 255, message }
}

/// RFC 1071.
fn set_checksum(message: &mut [u8]) {
    message[6..8].fill(0);
    let words = message
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or_default()));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap();
    message[6..8].copy_from_slice(&checksum.to_be_bytes());
}

/// The same with one byte changed and its checksum right.
fn with(packet: &Packet, at: usize, byte: u8) -> Packet {
    let mut packet = packet.clone();
    packet.message[at] = byte;
    set_checksum(&mut packet.message);
    packet
}

/// All that a stranger may send without being heard. Each would depose the master if it were.
fn bad(from: Ipv4Addr, own: Ipv4Addr) -> Vec<(&'static str, Packet)> {
    let good = advert(from, VRID, 254);
    let mut wrong_sum = good.clone();
    wrong_sum.message[6] ^= 0x55;
    let mut short = good.clone();
    short.message.truncate(7);
    let mut no_address = good.clone();
    no_address.message.truncate(8);
    set_checksum(&mut no_address.message);
    vec![
        ("a hop limit of 254", Packet { ttl: 254, ..good.clone() }),
        ("a wrong checksum", wrong_sum),
        ("seven bytes", short),
        ("addresses that are not there", no_address),
        ("version 4", with(&good, 0, 0x41)),
        ("version 2", with(&good, 0, 0x21)),
        ("type 2", with(&good, 0, 0x32)),
        ("no addresses", with(&good, 3, 0)),
        ("our own address as sender", Packet { source: own, ..good.clone() }),
    ]
}

/// How many adverts were refused, whatever the reason.
fn refused(director: &Director) -> u64 {
    let adverts = &shown(director, INSTANCE)["adverts"];
    let Value::Object(kinds) = &adverts["rejected"] else { panic!("{adverts}") };
    kinds.values().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn bad_adverts_are_counted_and_change_nothing() {
    let lab = lab(0);
    // Else the kernel itself drops what comes from outside with an address of this machine.
    lab.director.namespace.sysctl(&[("ipv4/conf/eth0/accept_local", "1")]).unwrap();
    let director = start(&lab, &lab.director, &[instance(&json!({}))]);
    director.wait_for_role(INSTANCE, "MASTER").unwrap();
    let stranger = Stranger::new(&lab);
    for (what, packet) in bad(stranger.address, lab.director.ipv4) {
        let before = refused(&director);
        stranger.send(&packet);
        wait(&format!("{what} to be counted"), || refused(&director) > before);
        assert_eq!(refused(&director), before + 1, "{what}: {}", shown(&director, INSTANCE));
    }
    nobodys_are_logged_once(&director, &stranger);
    send(&director, 5);
    let shown = shown(&director, INSTANCE);
    assert_eq!((&shown["state"], times(&director, "master")), (&json!("master"), 1), "{shown}");
    assert_eq!(shown["adverts"]["received"], 0, "{shown}");

    // The same advert without a fault is heard.
    stranger.send(&advert(stranger.address, VRID, 254));
    director.wait_for_role(INSTANCE, "BACKUP").unwrap();
    // Silence follows.
    director.wait_for_role(INSTANCE, "MASTER").unwrap();
}

/// An advert that is for no virtual router of ours, or too short to say for whom, is told of once.
fn nobodys_are_logged_once(director: &Director, stranger: &Stranger) {
    let other = advert(stranger.address, VRID + 1, 254);
    let mut short = advert(stranger.address, VRID, 254);
    short.message.truncate(1);
    for (packet, words) in [(short, "it has 1 bytes"), (other, "no virtual router has VRID 52")] {
        let before = refused(director);
        for number in 1..=3 {
            stranger.send(&packet);
            wait(&format!("`{words}` to be counted"), || refused(director) == before + number);
        }
        let lines = director.log().lines().filter(|line| line.contains(words)).count();
        assert_eq!(lines, 1, "{}", director.log());
    }
}

#[test]
fn an_advert_without_the_password_is_not_heard() {
    let lab = lab(0);
    let keys = json!({ "version": 2, "advert_interval": "1s",
        "auth": { "type": "pass", "password": "s3cret" } });
    let director = start(&lab, &lab.director, &[instance(&keys)]);
    director.wait_for_role(INSTANCE, "MASTER").unwrap();
    let stranger = Stranger::new(&lab);
    let version2 = |auth_type: u8, password: &[u8; 8]| {
        // RFC 2338, section 5.3: the password stands behind the addresses.
        let head = [0x21, VRID, 254, 1, auth_type, 1, 0, 0, 192, 0, 2, 10];
        let mut message = [&head[..], password].concat();
        set_checksum(&mut message);
        Packet { source: stranger.address, ttl: 255, message }
    };
    for (auth_type, password) in [(0, &[0; 8]), (1, b"guessed\0")] {
        let before = refused(&director);
        stranger.send(&version2(auth_type, password));
        wait("it to be counted", || refused(&director) > before);
    }
    assert_eq!(
        (&shown(&director, INSTANCE)["state"], times(&director, "master")),
        (&json!("master"), 1),
        "{VIP}"
    );
    stranger.send(&version2(1, b"s3cret\0\0"));
    director.wait_for_role(INSTANCE, "BACKUP").unwrap();
}
