//! Neighbours are told, and strangers are heard.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

use lb_common::value::Mac;
use lb_ctl::netlink::types::host_prefix;
use lb_ctl::netlink::{Netlink, Notice, Notices};
use lb_ctl::vrrp::frames;
use lb_ctl::vrrp::link_socket::{Hears, LinkSocket, LinkSocketError};
use lb_ctl::vrrp::teller::{Conflict, Gateway, Round, Teller};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bed;
use super::bed::{Bed, DIRECTOR_MAC, OTHER_MAC, PATIENCE, REAL_MAC, families, text};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Tells on the director's interface that it has these addresses.
fn tell(bed: &Bed, addresses: &[IpAddr], repeat: u8, gateway: Option<Gateway>) {
    bed.director.block_on(|| async {
        let teller = Teller::open("d0", &mpsc::channel(1).0).unwrap();
        let round = Round { addresses: addresses.to_vec(), mac: DIRECTOR_MAC, repeat, gateway };
        teller.tell(round).await.unwrap();
    });
}

#[test]
fn neighbours_follow_a_round() {
    let bed = bed();
    for vip in families().map(|family| family.vip) {
        let old = text(OTHER_MAC);
        bed.real.ip(&format!("neigh replace {vip} lladdr {old} nud reachable dev r0"));
        bed.real.block_on(|| async {
            let mut notices = Notices::open().unwrap();
            tell(&bed, &[vip], 1, None);
            let moved = async {
                loop {
                    match notices.next().await.unwrap() {
                        Notice::Neighbour(it) if it.address == vip => break it.mac,
                        _ => {}
                    }
                }
            };
            assert_eq!(timeout(PATIENCE, moved).await, Ok(Some(DIRECTOR_MAC)), "{vip}");
        });
    }
}

/// The next frames of a socket, so many.
async fn next(socket: &LinkSocket, count: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while frames.len() < count {
        let mut buffer = [0; 256];
        let received = timeout(PATIENCE, socket.receive(&mut buffer)).await;
        frames.push(buffer[..received.expect("in time").unwrap()].to_vec());
    }
    frames
}

#[test]
fn a_round_goes_from_address_to_address_then_to_the_gateway_and_ends_in_probes() {
    let bed = bed();
    bed.real.set("ipv6/conf/r0/forwarding", "0");
    bed.director.set("ipv6/conf/d0/forwarding", "1");
    let [ten, eleven, six] = ["192.0.2.10", "192.0.2.11", "2001:db8::10"].map(ip);
    let gateway = Gateway { address: "192.0.2.21".parse().unwrap(), mac: Some(REAL_MAC) };
    bed.real.block_on(|| async {
        let arp = LinkSocket::open("r0", Hears::Arp).unwrap();
        let advertisements = LinkSocket::open("r0", Hears::Advertisements).unwrap();
        tell(&bed, &[ten, eleven, six], 2, Some(gateway));
        let told = |address| frames::announcement(DIRECTOR_MAC, address, true);
        let asked = |address: IpAddr| match address {
            IpAddr::V4(it) => frames::request(DIRECTOR_MAC, it, gateway.address, Some(REAL_MAC)),
            IpAddr::V6(_) => panic!("{address} does not ask for an IPv4 router"),
        };
        let probed = |address| frames::probe(DIRECTOR_MAC, address);
        let all = [ten, eleven];
        let expected = all.map(told).into_iter().chain(all.map(told));
        let expected: Vec<Vec<u8>> =
            expected.chain(all.map(asked)).chain(all.map(probed)).collect();
        assert_eq!(next(&arp, expected.len()).await, expected);
        assert_eq!(next(&advertisements, 2).await, [told(six), told(six)]);
    });
}

/// What a director is told of that holds some addresses on `d0`.
struct Director {
    teller: Teller,
    conflicts: mpsc::Receiver<Conflict>,
}

impl Director {
    async fn open(held: &[IpAddr]) -> Self {
        let (sender, conflicts) = mpsc::channel(64);
        let teller = Teller::open("d0", &sender).unwrap();
        teller.hold(Instant::now(), held.iter().copied());
        teller.set_own(HashSet::from([DIRECTOR_MAC]));
        timeout(PATIENCE, teller.hears()).await.expect("in time");
        Self { teller, conflicts }
    }

    async fn probe(&self, addresses: &[IpAddr]) -> Result<(), LinkSocketError> {
        self.teller.probe(addresses.to_vec(), DIRECTOR_MAC).await
    }

    /// The next conflict.
    async fn conflict(&mut self) -> Conflict {
        timeout(PATIENCE, self.conflicts.recv()).await.expect("in time").unwrap()
    }
}

fn conflict(address: IpAddr, mac: Mac) -> Conflict {
    Conflict { interface: "d0".to_owned(), address, mac }
}

/// Sends frames from the real's side.
fn send(bed: &Bed, frames: &[Vec<u8>]) {
    bed.real.block_on(|| async {
        let socket = LinkSocket::open("r0", Hears::Nothing).unwrap();
        for frame in frames {
            socket.send(frame).await.unwrap();
        }
    });
}

#[test]
fn a_stranger_who_answers_is_found_once() {
    let bed = bed();
    for family in families() {
        let (vip, other) = (family.vip, family.nobody);
        bed.real.ip(&format!("addr add {vip}/{} dev r0 nodad", host_prefix(vip)));
        bed.director.block_on(|| async {
            let mut director = Director::open(&[vip, other]).await;
            director.probe(&[vip, other]).await.unwrap();
            assert_eq!(director.conflict().await, conflict(vip, REAL_MAC));
            // It answers again, and then there is another one who speaks up unasked.
            director.probe(&[vip]).await.unwrap();
            bed.real.ip(&format!("addr add {other}/{} dev r0 nodad", host_prefix(other)));
            director.probe(&[vip, other]).await.unwrap();
            assert_eq!(director.conflict().await, conflict(other, REAL_MAC));
            send(&bed, &[frames::announcement(OTHER_MAC, vip, false)]);
            assert_eq!(director.conflict().await, conflict(vip, OTHER_MAC));
        });
    }
}

#[test]
fn real_servers_that_are_set_up_are_no_strangers() {
    let bed = bed();
    bed.real.set("ipv4/conf/all/arp_ignore", "1");
    for family in families() {
        let vip = family.vip;
        bed.real.ip(&format!("addr add {vip}/{} dev lo", host_prefix(vip)));
        bed.director.block_on(|| async {
            let mut director = Director::open(&[vip]).await;
            director.probe(&[vip]).await.unwrap();
            // An answer would be here before this.
            send(&bed, &[frames::announcement(OTHER_MAC, vip, false)]);
            assert_eq!(director.conflict().await, conflict(vip, OTHER_MAC));
        });
    }
}

#[test]
fn ones_own_word_and_that_of_other_networks_is_no_conflict() {
    let bed = bed();
    for family in families() {
        let vip = family.vip;
        bed.director.block_on(|| async {
            let mut director = Director::open(&[vip, family.beyond]).await;
            director.teller.release([family.beyond]);
            let mut tagged = frames::announcement(REAL_MAC, vip, false);
            tagged.splice(12..12, [0x81, 0x00, 0x00, 0x0a]);
            send(
                &bed,
                &[
                    // A switch that sends back what it was sent.
                    frames::announcement(DIRECTOR_MAC, vip, false),
                    frames::announcement(REAL_MAC, family.nobody, false),
                    frames::announcement(REAL_MAC, family.beyond, false),
                    tagged,
                    frames::announcement(OTHER_MAC, vip, false),
                ],
            );
            assert_eq!(director.conflict().await, conflict(vip, OTHER_MAC));
        });
    }
}

#[test]
fn an_interface_that_comes_back_is_told_and_heard_again() {
    let bed = bed();
    let vip = families()[0].vip;
    bed.director.block_on(|| async {
        let mut director = Director::open(&[vip]).await;
        bed.director.ip("link set d0 down");
        let error = director.probe(&[vip]).await.unwrap_err();
        assert!(error.is_down() && error.to_string().contains("d0"), "{error}");
        bed.director.ip("link set d0 up");
        bed.real.ip(&format!("addr add {vip}/32 dev r0"));
        director.probe(&[vip]).await.unwrap();
        assert_eq!(director.conflict().await, conflict(vip, REAL_MAC));
        let absent = Teller::open("absent", &mpsc::channel(1).0).unwrap_err();
        assert!(absent.to_string().contains("absent: there is no such interface"), "{absent}");
    });
}

#[test]
fn the_gateway_is_that_of_the_default_route() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let lo = bed.director.index("lo");
    let real = families()[0].real;
    let found = |ifindex| {
        bed.director.block_on(|| async move {
            Gateway::find(&Netlink::open().unwrap(), ifindex).await.unwrap()
        })
    };
    assert_eq!(found(d0), None);
    bed.director.ip(&format!("route add default via {real}"));
    let IpAddr::V4(address) = real else { panic!("{real}") };
    assert_eq!(found(d0), Some(Gateway { address, mac: None }));
    assert!(bed.director.reaches(real));
    assert_eq!(found(d0), Some(Gateway { address, mac: Some(REAL_MAC) }));
    assert_eq!(found(lo), None);
}

#[test]
fn a_thousand_are_told_of_while_others_have_their_turn() {
    let bed = bed();
    let addresses: Vec<IpAddr> =
        (0..1000u32).map(|it| std::net::Ipv4Addr::from_bits(0x0a09_0000 + it).into()).collect();
    bed.director.block_on(|| async {
        let teller = Teller::open("d0", &mpsc::channel(1).0).unwrap();
        let round = Round { addresses, mac: DIRECTOR_MAC, repeat: 5, gateway: None };
        let begin = Instant::now();
        let mut task = tokio::spawn(teller.tell(round));
        let mut turns = 0;
        loop {
            tokio::select! {
                biased;
                done = &mut task => break done.unwrap().unwrap(),
                () = tokio::task::yield_now() => turns += 1,
            }
        }
        println!("6,000 frames: {:?}, {turns} turns of others", begin.elapsed());
        assert!(turns > 100, "{turns}");
    });
}
