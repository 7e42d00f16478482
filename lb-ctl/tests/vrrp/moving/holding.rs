//! Addresses are put on and taken off.

use std::net::IpAddr;
use std::time::Instant;

use lb_ctl::config::vrrp::{Instance, Version, VirtualAddress};
use lb_ctl::netlink::{Mark, Netlink};
use lb_ctl::vrrp::addresses::{AddressError, Holder};

use super::bed;
use super::bed::Namespace;

/// A virtual router on `d0` with these addresses, each with its prefix and perhaps an interface.
pub(super) fn instance(name: &str, addresses: &[&str]) -> Instance {
    let address = |text: &&str| {
        let (cidr, interface) = text.split_once(' ').map_or((*text, None), |(a, b)| (a, Some(b)));
        let (address, prefix) = cidr.split_once('/').unwrap();
        VirtualAddress {
            address: address.parse().unwrap(),
            prefix: prefix.parse().unwrap(),
            interface: interface.map(str::to_owned),
        }
    };
    Instance {
        version: Version::V3,
        ..Instance::new(name, "d0", 51, addresses.iter().map(address).collect())
    }
}

/// What is on `d0` besides its own addresses, as `ip` writes it, sorted.
fn on_d0(director: &Namespace) -> Vec<String> {
    let shown = director.ip("-o addr show dev d0 scope global");
    let addresses = shown.lines().filter_map(|line| line.split_whitespace().nth(3));
    let own = ["192.0.2.1/24", "2001:db8::1/64"];
    let mut others: Vec<String> =
        addresses.filter(|address| !own.contains(address)).map(str::to_owned).collect();
    others.sort();
    others
}

/// A holder of this machine, as after a start.
fn holder() -> Holder {
    Holder::new(Netlink::open().unwrap())
}

fn assert_none(failures: &[AddressError]) {
    assert!(failures.is_empty(), "{failures:?}");
}

const BOTH: [&str; 3] = ["192.0.2.10/32", "192.0.2.11/24", "2001:db8::10/128"];

#[test]
fn held_they_answer_and_released_they_do_not() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let instance = instance("one", &BOTH);
    let addresses: Vec<IpAddr> = instance.addresses.iter().map(|it| it.address).collect();
    bed.director.block_on(|| async {
        let mut holder = holder();
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        // Once more, as after a reload.
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        assert_eq!(on_d0(&bed.director), BOTH);
        for address in &addresses {
            assert!(bed.real.reaches(*address), "{address} does not answer");
        }
        assert_none(&holder.release(&instance).await);
    });
    assert_eq!(on_d0(&bed.director), [""; 0]);
    for address in addresses {
        assert!(!bed.real.reaches(address), "{address} still answers");
    }
}

#[test]
fn none_is_a_source_of_the_directors_own_connections() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let instance = instance("one", &["192.0.2.9/32", "192.0.2.11/24", "2001:db8::21:1/128"]);
    bed.director.block_on(|| async {
        assert_none(&holder().hold(&instance, d0, |_| None).await);
    });
    for (to, source) in [("192.0.2.21", "192.0.2.1"), ("2001:db8::21", "2001:db8::1")] {
        let route = bed.director.ip(&format!("route get {to}"));
        assert!(route.contains(&format!("src {source} ")), "{route}");
    }
    let shown = bed.director.ip("-6 addr show to 2001:db8::21:1");
    assert!(shown.contains("nodad") && shown.contains("deprecated"), "{shown}");
}

#[test]
fn a_new_definition_takes_the_old_addresses_off() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let lo = bed.director.index("lo");
    let index_of = |name: &str| (name == "lo").then_some(lo);
    bed.director.block_on(|| async {
        let mut holder = holder();
        assert_none(&holder.hold(&instance("one", &BOTH), d0, index_of).await);
        // Another prefix of the same addresses, one moved to another interface, one gone.
        let changed = instance("one", &["192.0.2.10/32 lo", "2001:db8::10/64", "192.0.2.12/32"]);
        assert_none(&holder.hold(&changed, d0, index_of).await);
        assert_eq!(on_d0(&bed.director), ["192.0.2.12/32", "2001:db8::10/64"]);
        assert!(bed.director.ip("addr show dev lo").contains("192.0.2.10/32"));
        assert_none(&holder.release(&changed).await);
    });
    assert_eq!(on_d0(&bed.director), [""; 0]);
    assert!(!bed.director.ip("addr show dev lo").contains("192.0.2.10"));
}

#[test]
fn what_goes_to_another_virtual_router_stays() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    bed.director.block_on(|| async {
        let mut holder = holder();
        let first = instance("one", &["192.0.2.10/32", "192.0.2.11/32"]);
        assert_none(&holder.hold(&first, d0, |_| None).await);
        let second = instance("two", &["192.0.2.11/32"]);
        assert_none(&holder.hold(&second, d0, |_| None).await);
        let rest = instance("one", &["192.0.2.10/32"]);
        assert_none(&holder.hold(&rest, d0, |_| None).await);
        assert_eq!(on_d0(&bed.director), ["192.0.2.10/32", "192.0.2.11/32"]);
        assert_none(&holder.release(&rest).await);
        assert_eq!(on_d0(&bed.director), ["192.0.2.11/32"]);
        assert_none(&holder.release(&second).await);
    });
    assert_eq!(on_d0(&bed.director), [""; 0]);
}

#[test]
fn what_others_put_there_stays_theirs() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    bed.director.ip("addr add 192.0.2.10/32 dev d0");
    bed.director.ip("addr add 2001:db8::10/128 dev d0 nodad");
    bed.director.block_on(|| async {
        let mut holder = holder();
        let instance = instance("one", &BOTH);
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        assert_eq!(on_d0(&bed.director), BOTH);
        assert_eq!(holder.left_behind().await.unwrap().len(), 1);
        assert_none(&holder.release(&instance).await);
    });
    assert_eq!(on_d0(&bed.director), ["192.0.2.10/32", "2001:db8::10/128"]);
}

#[test]
fn what_a_killed_daemon_left_is_known_and_taken_off_or_over() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let instance = instance("one", &BOTH);
    bed.director.ip("addr add 192.0.2.99/32 dev d0");
    bed.director.block_on(|| async {
        assert_none(&holder().hold(&instance, d0, |_| None).await);
        // Taken off by one that never held them.
        let mut second = holder();
        let mut left: Vec<String> = second
            .left_behind()
            .await
            .unwrap()
            .iter()
            .map(|held| format!("{}/{}", held.address, held.prefix_len))
            .collect();
        left.sort();
        assert_eq!(left, BOTH);
        assert_none(&second.release(&instance).await);
        assert_eq!(on_d0(&bed.director), ["192.0.2.99/32"]);

        assert_none(&holder().hold(&instance, d0, |_| None).await);
        // Taken over, and then off.
        let mut third = holder();
        assert_none(&third.hold(&instance, d0, |_| None).await);
        assert_none(&third.release(&instance).await);
        assert_eq!(on_d0(&bed.director), ["192.0.2.99/32"]);

        assert_none(&holder().hold(&instance, d0, |_| None).await);
        let fourth = holder();
        let strays = fourth.left_behind().await.unwrap();
        assert_none(&fourth.take_off(&strays).await);
        // A second time they are gone, which is as good.
        assert_none(&fourth.take_off(&strays).await);
    });
    assert_eq!(on_d0(&bed.director), ["192.0.2.99/32"]);
}

#[test]
fn a_services_vip_becomes_the_virtual_routers() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let instance = instance("one", &["192.0.2.10/32", "2001:db8::10/64"]);
    bed.director.block_on(|| async {
        let netlink = Netlink::open().unwrap();
        for address in ["192.0.2.10", "2001:db8::10"] {
            netlink.add_vip(d0, address.parse().unwrap()).await.unwrap();
        }
        let mut holder = holder();
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        let all = netlink.addresses().await.unwrap();
        assert!(all.iter().all(|held| !held.ours), "{all:?}");
        assert_eq!(all.iter().filter(|held| held.has(Mark::Vrrp)).count(), 2);
        assert_none(&holder.release(&instance).await);
    });
    assert_eq!(on_d0(&bed.director), [""; 0]);
}

#[test]
fn what_fails_is_named_and_the_rest_is_there() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    bed.director.set("ipv6/conf/d0/disable_ipv6", "1");
    let addresses = ["192.0.2.12/32 absent", "192.0.2.10/32", "2001:db8::10/128"];
    let instance = instance("one", &addresses);
    bed.director.block_on(|| async {
        let mut holder = holder();
        let failures = holder.hold(&instance, d0, |_| None).await;
        let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("192.0.2.12 on absent: there is no such interface"), "{told:?}");
        assert!(told[1].contains("2001:db8::10/128") && told[1].contains("IPv6"), "{told:?}");
        assert_eq!(on_d0(&bed.director), ["192.0.2.10/32"]);
        assert_none(&holder.release(&instance).await);
    });
    assert_eq!(on_d0(&bed.director), [""; 0]);
}

#[test]
fn an_interface_that_is_gone_takes_its_addresses_along() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let instance = instance("one", &BOTH);
    bed.director.block_on(|| async {
        let mut holder = holder();
        assert_none(&holder.hold(&instance, d0, |_| None).await);
        bed.director.ip("link del d0");
        assert_none(&holder.release(&instance).await);
        assert_eq!(holder.left_behind().await.unwrap(), []);
    });
}

#[test]
fn a_thousand_are_held_and_released() {
    let bed = bed();
    let d0 = bed.director.index("d0");
    let number = |index: u32| {
        let [.., a, b] = index.to_be_bytes();
        if index.is_multiple_of(2) {
            format!("10.9.{a}.{b}/32")
        } else {
            format!("2001:db8:9::{index:x}/128")
        }
    };
    let addresses: Vec<String> = (0..1000).map(number).collect();
    let all: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let (one, many) = (instance("one", &["192.0.2.10/32"]), instance("many", &all));
    bed.director.block_on(|| async {
        let mut holder = holder();
        for instance in [&one, &many] {
            let begin = Instant::now();
            assert_none(&holder.hold(instance, d0, |_| None).await);
            println!("hold {}: {:?}", instance.addresses.len(), begin.elapsed());
        }
        assert_eq!(holder.left_behind().await.unwrap().len(), 1001);
        for instance in [&one, &many] {
            let begin = Instant::now();
            assert_none(&holder.release(instance).await);
            println!("release {}: {:?}", instance.addresses.len(), begin.elapsed());
        }
        assert_eq!(holder.left_behind().await.unwrap(), []);
    });
}
