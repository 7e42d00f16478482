//! Adverts from one socket to another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bench::lab::Namespace;
use lb_ctl::config::vrrp::{Checksum, Version};
use lb_ctl::vrrp::accept::Packet;
use lb_ctl::vrrp::packet::{Advert, GROUP_V4, GROUP_V6, encode};
use lb_ctl::vrrp::socket::{AdvertSocket, Family};

use crate::cable::{Cable, Talker, ip, next, open, sender};

const ALL_V4: IpAddr = IpAddr::V4(GROUP_V4);
const ALL_V6: IpAddr = IpAddr::V6(GROUP_V6);

/// Family, and from whom to whom: by multicast and by unicast.
fn ways() -> [(Family, IpAddr, IpAddr); 5] {
    [
        (Family::V4, ip("192.0.2.1"), ALL_V4),
        (Family::V4, ip("192.0.2.1"), ip("192.0.2.2")),
        (Family::V6, ip("fe80::1"), ALL_V6),
        (Family::V6, ip("fe80::1"), ip("fe80::2")),
        (Family::V6, ip("2001:db8::1"), ip("2001:db8::2")),
    ]
}

#[tokio::test]
async fn adverts_arrive_as_they_were_sent_and_nobody_hears_his_own() {
    let cable = Cable::new();
    for family in [Family::V4, Family::V6] {
        let (here, there) = (cable.here(family), cable.there(family));
        for (_, source, destination) in ways().into_iter().filter(|way| way.0 == family) {
            here.send(source, destination, b"advert").unwrap();
            let payload = b"advert".to_vec();
            let expected = Packet { source, destination, ttl: Some(255), payload };
            assert_eq!(next(&there).await, expected);
        }
        // What is heard here first is what was sent there.
        let (source, group) = match family {
            Family::V4 => (ip("192.0.2.2"), ALL_V4),
            Family::V6 => (ip("fe80::2"), ALL_V6),
        };
        there.send(source, group, b"answer").unwrap();
        assert_eq!(next(&here).await.payload, b"answer");
        assert_eq!(here.try_recv().unwrap(), None);
    }
}

#[tokio::test]
async fn all_that_is_there_is_drained_in_order() {
    let cable = Cable::new();
    let (here, there) = (cable.here(Family::V4), cable.there(Family::V4));
    for number in 0..50_u8 {
        here.send(ip("192.0.2.1"), ALL_V4, &[number]).unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 50 {
        match there.try_recv().unwrap() {
            Some(packet) => heard.extend(packet.payload),
            None => heard.extend(next(&there).await.payload),
        }
    }
    assert!(heard.iter().copied().eq(0..50), "{heard:?}");
    assert_eq!(there.try_recv().unwrap(), None);
    // What was read past the runtime does not confuse it.
    here.send(ip("192.0.2.1"), ALL_V4, b"last").unwrap();
    assert_eq!(next(&there).await.payload, b"last");
}

#[tokio::test]
async fn the_longest_advert_arrives_in_both_families() {
    let cable = Cable::new();
    for (family, source, group) in
        [(Family::V4, ip("192.0.2.1"), ALL_V4), (Family::V6, ip("fe80::1"), ALL_V6)]
    {
        let (here, there) = (cable.here(family), cable.there(family));
        let address = |number: u8| match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into())),
        };
        let advert = Advert { addresses: (1..=255).map(address).collect(), ..advert() };
        let message = encode(&advert, Checksum::PseudoHeader, source, group);
        // Over IPv6 this is three fragments.
        here.send(source, group, &message).unwrap();
        assert_eq!(next(&there).await.payload, message);
    }
}

#[tokio::test]
async fn a_virtual_mac_has_adverts_of_its_own_and_hears_by_the_interface_below() {
    let cable = Cable::new();
    cable
        .here
        .ip("link add link v0 name m0 address 00:00:5e:00:01:33 type macvlan mode private\n\
             link set m0 up\n")
        .unwrap();
    // Until the second advert: there are two answers after the first.
    let mut tcpdump = capture(&cable.there, 4);
    tcpdump.until("listening on");
    for (family, source, other, group) in [
        (Family::V4, ip("192.0.2.1"), ip("192.0.2.2"), ALL_V4),
        (Family::V6, ip("fe80::1"), ip("fe80::2"), ALL_V6),
    ] {
        let (below, there) = (cable.here(family), cable.there(family));
        let above = open(&cable.here, "m0", family);
        let virtual_mac = sender(&cable.here, "m0", family);
        virtual_mac.send(source, group, b"advert").unwrap();
        let heard = next(&there).await;
        assert_eq!((heard.source, heard.ttl), (source, Some(255)));
        there.send(other, group, b"answer").unwrap();
        assert_eq!(next(&below).await.payload, b"answer");
        // It comes to the interface above as well, and not to one who only sends.
        assert_eq!(next(&above).await.payload, b"answer");
        there.send(other, group, b"another").unwrap();
        assert_eq!(next(&above).await.payload, b"another");
        assert_eq!(virtual_mac.try_recv().unwrap(), None);
    }
    let packets = packets(&tcpdump.into_lines());
    let by_virtual_mac = |packet: &&String| packet.contains(" 00:00:5e:00:01:33 > ");
    assert_eq!(packets.iter().filter(by_virtual_mac).count(), 2, "{packets:#?}");
}

#[tokio::test]
async fn an_interface_that_is_down_or_gone_is_an_error_and_not_the_end() {
    let cable = Cable::new();
    let (here, there) = (cable.here(Family::V4), cable.there(Family::V4));
    let send = |socket: &AdvertSocket| socket.send(ip("192.0.2.1"), ALL_V4, b"advert");
    cable.here.ip("link set v0 down\n").unwrap();
    assert!(send(&here).is_err());
    assert_eq!(here.try_recv().unwrap(), None);
    cable.here.ip("link set v0 up\n").unwrap();
    send(&here).unwrap();
    // The other end has seen the carrier go: what is sent meanwhile may be lost.
    let carrier = Duration::from_millis(50);
    while tokio::time::timeout(carrier, there.recv()).await.is_err() {
        send(&here).unwrap();
    }
    cable.here.ip("link delete v0\n").unwrap();
    assert!(send(&here).is_err());
    let other = send_to_other_family(&there);
    assert_eq!(other.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    let gone = AdvertSocket::open(99, "gone", Family::V4).unwrap_err();
    assert_eq!(gone.raw_os_error(), Some(nix::errno::Errno::ENODEV as i32));
}

fn send_to_other_family(socket: &AdvertSocket) -> std::io::Result<()> {
    socket.send(ip("fe80::2"), ALL_V6, b"advert")
}

fn advert() -> Advert {
    Advert {
        version: Version::V3,
        vrid: 7,
        priority: 100,
        interval: Duration::from_millis(100),
        addresses: vec![ip("192.0.2.10")],
        auth: None,
    }
}

/// tcpdump until it has seen so many packets.
fn capture(namespace: &Namespace, count: usize) -> Talker {
    let mut command = namespace.command("tcpdump");
    command.args(["-i", "v1", "-c", &count.to_string(), "-n", "-l", "-e", "-vvv"]);
    command.arg("ip proto 112 or ip6 proto 112");
    Talker::start(command)
}

/// What tcpdump says of something that it does not like.
fn complains(text: &str) -> bool {
    ["bad", "invalid", "unknown", "wrong", "incorrect", "[|"].iter().any(|it| text.contains(it))
}

#[tokio::test]
async fn tcpdump_reads_adverts_without_a_complaint() {
    let cable = Cable::new();
    let auth = Some(*b"secret\0\0");
    let v2 = Advert { version: Version::V2, interval: Duration::from_secs(1), auth, ..advert() };
    let v6 = Advert { addresses: vec![ip("fe80::10"), ip("2001:db8::10")], ..advert() };
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for (family, source, destination) in ways() {
        let adverts = match family {
            Family::V4 => [&v2, &advert()].map(Clone::clone).to_vec(),
            Family::V6 => vec![v6.clone()],
        };
        for advert in adverts {
            let message = encode(&advert, Checksum::PseudoHeader, source, destination);
            expected.push(described(&advert, source, destination));
            sent.push((family, source, destination, message));
        }
    }
    let spoilt = sent[0].clone();
    sent.push(spoilt);
    sent.last_mut().unwrap().3[2] ^= 1;

    let mut tcpdump = capture(&cable.there, sent.len());
    tcpdump.until("listening on");
    let (v4, v6) = (cable.here(Family::V4), cable.here(Family::V6));
    for (family, source, destination, message) in &sent {
        let socket = if *family == Family::V4 { &v4 } else { &v6 };
        socket.send(*source, *destination, message).unwrap();
    }
    let packets = packets(&tcpdump.into_lines());
    assert_eq!(packets.len(), sent.len(), "{packets:#?}");
    for (packet, expected) in packets.iter().zip(&expected) {
        for words in expected {
            assert!(packet.contains(words), "no `{words}` in {packet}");
        }
        assert!(!complains(packet), "{packet}");
    }
    let last = packets.last().unwrap();
    assert!(complains(last), "tcpdump looks at checksums: {last}");
}

/// What tcpdump says of an advert.
fn described(advert: &Advert, source: IpAddr, destination: IpAddr) -> Vec<String> {
    let v4 = source.is_ipv4();
    let version = advert.version.number();
    let class = if v4 { "tos 0xc0, ttl 255" } else { "class 0xc0" };
    let hops = if v4 { "proto VRRP (112)" } else { "hlim 255, next-header VRRP (112)" };
    let interval = if advert.auth.is_some() { "intvl 1s" } else { "intvl 10cs" };
    let addresses: Vec<String> = advert.addresses.iter().map(IpAddr::to_string).collect();
    let mut words = vec![
        format!("{source} > {destination}: VRRPv{version}, Advertisement, vrid 7, prio 100"),
        addresses.join(","),
    ];
    words.extend([class, hops, interval].map(str::to_owned));
    if advert.auth.is_some() {
        words.push("authtype simple".to_owned());
        words.push("auth \"secret\"".to_owned());
    }
    words
}

/// What tcpdump wrote of each packet: a line that begins with the time, and those that follow.
fn packets(lines: &[String]) -> Vec<String> {
    let mut packets: Vec<String> = Vec::new();
    for line in lines {
        let begins = line.as_bytes().first().is_some_and(u8::is_ascii_digit);
        if begins && line.contains(" > ") {
            packets.push(line.clone());
        } else if let Some(packet) = packets.last_mut()
            && line.starts_with(' ')
        {
            packet.push_str(line);
        }
    }
    packets
}
