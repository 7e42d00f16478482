//! Virtual routers with a MAC of their own.

use std::net::IpAddr;

use lb_ctl::config::vrrp::Instance;
use lb_ctl::netlink::{Link, Netlink};
use lb_ctl::vrrp::addresses::Holder;
use lb_ctl::vrrp::frames::{self, Claim};
use lb_ctl::vrrp::link_socket::{Hears, LinkSocket};
use lb_ctl::vrrp::teller::{Round, Teller};
use lb_ctl::vrrp::virtual_mac::{VirtualMacError, VirtualMacs, mac};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bed;
use super::bed::{Bed, OTHER_MAC, PATIENCE, REAL_MAC, families, text};
use super::holding::instance as plain;

fn instance(name: &str, addresses: &[&str]) -> Instance {
    Instance { virtual_mac: true, ..plain(name, addresses) }
}

async fn link(name: &str) -> Link {
    Netlink::open().unwrap().link_named(name).await.unwrap().unwrap()
}

/// Both families' virtual routers hold their addresses under their MACs.
async fn hold() -> (VirtualMacs, Holder, [Instance; 2]) {
    let netlink = Netlink::open().unwrap();
    let mut macs = VirtualMacs::new(netlink.clone());
    let mut holder = Holder::new(netlink);
    let both = [instance("four", &["192.0.2.10/32"]), instance("six", &["2001:db8::10/128"])];
    for it in &both {
        let home = macs.make(it, &link("d0").await).await.unwrap();
        let failures = holder.hold(it, home.index, |_| None).await;
        assert!(failures.is_empty(), "{failures:?}");
    }
    (macs, holder, both)
}

fn neighbour(bed: &Bed, address: IpAddr) -> String {
    bed.real.ip(&format!("neigh show {address} dev r0"))
}

#[test]
fn the_addresses_have_that_mac_and_the_interfaces_own_keep_theirs() {
    let bed = bed();
    bed.director.set("ipv4/conf/all/rp_filter", "1");
    bed.director.block_on(|| async {
        let (_, mut holder, both) = hold().await;
        for (family, name, ipv4) in
            [(families()[0], "vrrp.51", true), (families()[1], "vrrp6.51", false)]
        {
            assert!(bed.real.reaches(family.vip), "{} does not answer", family.vip);
            assert!(bed.real.reaches(family.director), "{} does not answer", family.director);
            let known = neighbour(&bed, family.vip);
            assert!(known.contains(&text(mac(51, ipv4))), "{known}");
            let known = neighbour(&bed, family.director);
            assert!(known.contains("02:00:00:00:00:01"), "{known}");
            let shown = bed.director.ip(&format!("-d link show dev {name}"));
            assert!(shown.contains("macvlan mode vepa") && shown.contains("@d0"), "{shown}");
        }
        for it in &both {
            assert!(holder.release(it).await.is_empty());
        }
    });
    for family in families() {
        assert!(!bed.real.reaches(family.vip), "{} still answers", family.vip);
    }
}

/// What is claimed up to a claim.
async fn claims(socket: &LinkSocket, last: Claim) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut buffer = [0; 256];
    while claims.last() != Some(&last) {
        let received = timeout(PATIENCE, socket.receive(&mut buffer)).await;
        let length = received.expect("in time").unwrap();
        claims.extend(frames::claim(&buffer[..length]));
    }
    claims
}

#[test]
fn nobody_answers_with_another_mac() {
    let bed = bed();
    bed.director.block_on(|| async {
        let _held = hold().await;
        for (family, ipv4) in families().into_iter().zip([true, false]) {
            bed.real.block_on(|| async {
                let hears = if ipv4 { Hears::Arp } else { Hears::Advertisements };
                let socket = LinkSocket::open("r0", hears).unwrap();
                let asking = LinkSocket::open("r0", Hears::Nothing).unwrap();
                asking.send(&frames::probe(REAL_MAC, family.vip)).await.unwrap();
                // The interface below would answer first: a macvlan is shown what all are shown
                // later on (`macvlan_broadcast_enqueue()`).
                let answer = Claim { address: family.vip, mac: mac(51, ipv4) };
                assert_eq!(claims(&socket, answer).await, [answer]);
                let last = Claim { address: family.nobody, mac: OTHER_MAC };
                bed.director.block_on(|| async {
                    let director = LinkSocket::open("d0", Hears::Nothing).unwrap();
                    let frame = frames::announcement(OTHER_MAC, family.nobody, false);
                    director.send(&frame).await.unwrap();
                });
                assert_eq!(claims(&socket, last).await, [last]);
            });
        }
    });
}

#[test]
fn it_is_told_of_under_that_mac() {
    let bed = bed();
    let vip = families()[0].vip;
    bed.director.block_on(|| async {
        let _held = hold().await;
        let heard = bed.real.block_on(|| async {
            let socket = LinkSocket::open("r0", Hears::Arp).unwrap();
            bed.director.block_on(|| async {
                let teller = Teller::open("vrrp.51", &mpsc::channel(1).0).unwrap();
                let mac = mac(51, true);
                let round = Round { addresses: vec![vip], mac, repeat: 1, gateway: None };
                teller.tell(round).await.unwrap();
            });
            let mut buffer = [0; 256];
            let received = timeout(PATIENCE, socket.receive(&mut buffer)).await;
            buffer[..received.expect("in time").unwrap()].to_vec()
        });
        assert_eq!(heard, frames::announcement(mac(51, true), vip, false));
    });
}

#[test]
fn what_another_director_sends_from_that_mac_is_heard_below() {
    let bed = bed();
    let vip = families()[0].vip;
    bed.director.block_on(|| async {
        let _held = hold().await;
        let below = LinkSocket::open("d0", Hears::Arp).unwrap();
        let told = frames::announcement(mac(51, true), vip, false);
        bed.real.block_on(|| async {
            let other = LinkSocket::open("r0", Hears::Nothing).unwrap();
            other.send(&told).await.unwrap();
        });
        let mut buffer = [0; 256];
        let received = timeout(PATIENCE, below.receive(&mut buffer)).await;
        assert_eq!(buffer[..received.expect("in time").unwrap()], told);
    });
}

#[test]
fn removed_it_leaves_no_trace() {
    let bed = bed();
    let before = |name: &str| bed.director.get(&format!("ipv4/conf/d0/{name}"));
    assert_eq!((before("arp_ignore"), before("arp_announce")), ("0".into(), "0".into()));
    bed.director.block_on(|| async {
        let (mut macs, _, [four, six]) = hold().await;
        assert_eq!((before("arp_ignore"), before("arp_announce")), ("1".into(), "2".into()));
        assert!(macs.remove(&six.name).await.unwrap());
        assert_eq!(before("arp_ignore"), "1");
        assert!(macs.remove(&four.name).await.unwrap());
        assert!(!macs.remove(&four.name).await.unwrap());
    });
    assert_eq!((before("arp_ignore"), before("arp_announce")), ("0".into(), "0".into()));
    assert!(!bed.director.ip("link show").contains("vrrp"));
}

#[test]
fn what_a_killed_daemon_left_is_taken_over_or_removed() {
    let bed = bed();
    bed.director.ip("link add d1 type veth peer name d2");
    bed.director.block_on(|| async {
        let (_, _, [four, six]) = hold().await;
        let left = link("vrrp.51").await;
        let mut second = VirtualMacs::new(Netlink::open().unwrap());
        let d0 = link("d0").await;
        assert_eq!(second.make(&four, &d0).await.unwrap().index, left.index);
        assert_eq!(second.remove_strays().await.unwrap(), ["vrrp6.51"]);
        // Another definition: on another interface.
        second.make(&four, &link("d1").await).await.unwrap();
        assert!(bed.director.ip("link show dev vrrp.51").contains("vrrp.51@d1"));
        assert_eq!(bed.director.get("ipv4/conf/d0/arp_ignore"), "1", "as the first left it");
        // The same number on two interfaces: of the names there is one only.
        let other = Instance { name: "other".to_owned(), ..four.clone() };
        let error = second.make(&other, &d0).await.unwrap_err();
        assert!(matches!(error, VirtualMacError::NameTaken { .. }), "{error}");
        second.make(&six, &d0).await.unwrap();
    });
}

#[test]
fn others_interfaces_are_left_alone() {
    let bed = bed();
    bed.director.ip("link add vrrp.51 link d0 type macvlan mode private");
    bed.director.block_on(|| async {
        let mut macs = VirtualMacs::new(Netlink::open().unwrap());
        let four = instance("four", &["192.0.2.10/32"]);
        let error = macs.make(&four, &link("d0").await).await.unwrap_err();
        assert!(error.to_string().contains("cannot make interface vrrp.51"), "{error}");
        assert_eq!(macs.remove_strays().await.unwrap(), [""; 0]);
        assert!(!macs.remove(&four.name).await.unwrap());
    });
    assert!(bed.director.ip("link show").contains("vrrp.51@d0"));
}
