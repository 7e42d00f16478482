use super::*;
use crate::netlink::types::LinkKind;

#[path = "table_local_tests.rs"]
mod local;
#[path = "table_vlan_tests.rs"]
mod vlans;

const NONE: [IpAddr; 0] = [];
const RIP: &str = "192.0.2.21";
const RIP6: &str = "2001:db8::21";
const DIRECTOR: Mac = [2, 0, 0, 0, 0, 1];
const REAL: Mac = [2, 0, 0, 0, 0, 0x21];
const OTHER: Mac = [2, 0, 0, 0, 0, 0x22];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn eth0() -> Link {
    Link {
        index: 2,
        name: "eth0".to_owned(),
        mac: Some(DIRECTOR),
        up: true,
        loopback: false,
        xdp: None,
        kind: LinkKind::Other,
        master: None,
    }
}

const fn direct(ifindex: u32) -> Route {
    Route { ifindex, gateway: None, local: false }
}

fn neighbour(rip: &str, mac: Option<Mac>, state: NeighbourState) -> Neighbour {
    Neighbour { ifindex: 2, address: ip(rip), mac, state }
}

fn over_eth0(mac: Mac) -> Resolution {
    let interface = "eth0".to_owned();
    Resolution::Resolved(Hop { ifindex: 2, interface, vlans: Tags::NONE, mac, source: DIRECTOR })
}

fn resolving() -> Resolution {
    Resolution::Unresolved(Why::Resolving { interface: "eth0".to_owned() })
}

/// A table that watches two reals behind eth0 and has no neighbours.
fn table() -> Table {
    let mut table = Table::default();
    table.watch(&[ip(RIP), ip(RIP6)].into());
    assert_eq!(table.set_link(eth0()), NONE);
    for rip in [RIP, RIP6] {
        assert_eq!(table.set_route(ip(rip), Some(direct(2))), [ip(rip)]);
    }
    table
}

fn resolved_table() -> Table {
    let mut table = table();
    for rip in [RIP, RIP6] {
        let neighbour = neighbour(rip, Some(REAL), NeighbourState::Reachable);
        assert_eq!(table.set_neighbour(neighbour), [ip(rip)]);
    }
    table
}

fn sorted(mut rips: Vec<IpAddr>) -> Vec<IpAddr> {
    rips.sort();
    rips
}

#[test]
fn each_state_with_and_without_a_mac() {
    use NeighbourState as S;
    for rip in [RIP, RIP6] {
        let failed = Resolution::Unresolved(Why::NoAnswer {
            address: ip(rip),
            interface: "eth0".to_owned(),
        });
        for (state, with_mac) in [
            (S::None, resolving()),
            (S::Incomplete, resolving()),
            (S::Reachable, over_eth0(REAL)),
            (S::Stale, over_eth0(REAL)),
            (S::Delay, over_eth0(REAL)),
            (S::Probe, over_eth0(REAL)),
            (S::Noarp, over_eth0(REAL)),
            (S::Permanent, over_eth0(REAL)),
            (S::Failed, failed.clone()),
        ] {
            let mut table = table();
            table.set_neighbour(neighbour(rip, Some(REAL), state));
            assert_eq!(table.resolution(ip(rip)), with_mac, "{state:?} with a MAC");
            table.set_neighbour(neighbour(rip, None, state));
            let without_mac = if state == S::Failed { failed.clone() } else { resolving() };
            assert_eq!(table.resolution(ip(rip)), without_mac, "{state:?} without a MAC");
        }
    }
}

#[test]
fn an_ageing_neighbour_is_no_change() {
    let mut table = resolved_table();
    for state in [NeighbourState::Stale, NeighbourState::Delay, NeighbourState::Probe] {
        assert_eq!(table.set_neighbour(neighbour(RIP, Some(REAL), state)), NONE);
    }
}

#[test]
fn a_new_mac_changes_its_real_alone() {
    let mut table = resolved_table();
    let moved = neighbour(RIP, Some(OTHER), NeighbourState::Stale);
    assert_eq!(table.set_neighbour(moved), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), over_eth0(OTHER));
    assert_eq!(table.resolution(ip(RIP6)), over_eth0(REAL));
}

#[test]
fn a_mac_of_no_machine_does_not_resolve() {
    for mac in [[0; 6], [0xff; 6], [0x01, 0, 0x5e, 0, 0, 1]] {
        let mut table = table();
        table.set_neighbour(neighbour(RIP, Some(mac), NeighbourState::Noarp));
        assert_eq!(table.resolution(ip(RIP)), resolving());
    }
}

#[test]
fn a_forgotten_neighbour_is_resolved_anew() {
    let mut table = resolved_table();
    assert_eq!(table.remove_neighbour(2, ip(RIP)), [ip(RIP)]);
    assert_eq!(table.resolution(ip(RIP)), resolving());
    assert_eq!(table.remove_neighbour(2, ip(RIP)), NONE);
}

#[test]
fn a_neighbour_on_another_interface_does_not_count() {
    let mut table = table();
    let elsewhere =
        Neighbour { ifindex: 3, ..neighbour(RIP, Some(REAL), NeighbourState::Reachable) };
    assert_eq!(table.set_neighbour(elsewhere), NONE);
    assert_eq!(table.resolution(ip(RIP)), resolving());
    let eth1 = Link { index: 3, name: "eth1".to_owned(), mac: Some(OTHER), ..eth0() };
    assert_eq!(table.set_link(eth1), NONE);
    assert_eq!(table.set_route(ip(RIP), Some(direct(3))), [ip(RIP)]);
    let interface = "eth1".to_owned();
    let hop = Hop { ifindex: 3, interface, vlans: Tags::NONE, mac: REAL, source: OTHER };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Resolved(hop));
}

#[test]
fn a_neighbour_that_is_not_watched_is_not_kept() {
    let mut table = table();
    assert_eq!(
        table.set_neighbour(neighbour("192.0.2.99", Some(REAL), NeighbourState::Stale)),
        NONE
    );
    assert!(table.neighbours.is_empty());
    assert_eq!(table.resolution(ip("192.0.2.99")), Resolution::Unresolved(Why::NoRoute));
}

#[test]
fn routes_that_do_not_serve() {
    let gateway = ip("192.0.2.254");
    for (route, why) in [
        (None, Why::NoRoute),
        (Some(Route { ifindex: 2, gateway: Some(gateway), local: false }), Why::Routed { gateway }),
        (Some(direct(9)), Why::LinkGone { ifindex: 9 }),
    ] {
        let mut table = resolved_table();
        assert_eq!(table.set_route(ip(RIP), route), [ip(RIP)]);
        assert_eq!(table.resolution(ip(RIP)), Resolution::Unresolved(why));
        assert_eq!(table.asking_on(ip(RIP)), None);
        assert_eq!(table.set_route(ip(RIP), Some(direct(2))), [ip(RIP)]);
        assert_eq!(table.resolution(ip(RIP)), over_eth0(REAL));
    }
}

#[test]
fn the_route_of_a_real_that_is_not_watched_is_not_kept() {
    let mut table = table();
    assert_eq!(table.set_route(ip("192.0.2.99"), Some(direct(2))), NONE);
    assert_eq!(table.watched().count(), 2);
}

#[test]
fn the_link_decides_for_all_its_reals() {
    let both = vec![ip(RIP), ip(RIP6)];
    let mut table = resolved_table();
    let interface = "eth0".to_owned();

    assert_eq!(sorted(table.set_link(Link { up: false, ..eth0() })), both);
    let down = Why::LinkDown { interface: interface.clone() };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Unresolved(down));
    assert_eq!(table.asking_on(ip(RIP)), None);

    assert_eq!(sorted(table.set_link(Link { mac: None, ..eth0() })), both);
    let not_ethernet = Why::NotEthernet { interface };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Unresolved(not_ethernet));

    assert_eq!(sorted(table.set_link(eth0())), both);
    assert_eq!(table.asking_on(ip(RIP)), Some(2));
    assert_eq!(table.set_link(eth0()), NONE);
}

#[test]
fn the_directors_mac_and_the_interfaces_name_are_followed() {
    let mut table = resolved_table();
    let changed = Link { name: "lan0".to_owned(), mac: Some(OTHER), ..eth0() };
    assert_eq!(table.set_link(changed).len(), 2);
    let interface = "lan0".to_owned();
    let hop = Hop { ifindex: 2, interface, vlans: Tags::NONE, mac: REAL, source: OTHER };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Resolved(hop));
}

#[test]
fn a_removed_link_takes_its_neighbours_along() {
    let mut table = resolved_table();
    assert_eq!(table.remove_link(2).len(), 2);
    let gone = Resolution::Unresolved(Why::LinkGone { ifindex: 2 });
    assert_eq!(table.resolution(ip(RIP)), gone);
    assert_eq!(table.set_link(eth0()).len(), 2);
    assert_eq!(table.resolution(ip(RIP)), resolving());
}

#[test]
fn watching_returns_the_new_and_forgets_the_old() {
    let mut table = resolved_table();
    assert_eq!(table.watch(&[ip(RIP), ip("192.0.2.22")].into()), [ip("192.0.2.22")]);
    assert_eq!(table.resolution(ip(RIP)), over_eth0(REAL));
    assert_eq!(table.resolution(ip(RIP6)), Resolution::Unresolved(Why::NoRoute));
    assert_eq!(table.neighbours.len(), 1);
}

#[test]
fn a_resync_reports_what_differs() {
    let mut table = resolved_table();
    let neighbours = vec![
        neighbour(RIP, Some(REAL), NeighbourState::Reachable),
        neighbour("192.0.2.99", Some(REAL), NeighbourState::Reachable),
    ];
    assert_eq!(table.replace_neighbours(neighbours), [ip(RIP6)]);
    assert_eq!(table.neighbours.len(), 1);
    assert_eq!(table.replace_links(vec![eth0()]), NONE);
    assert_eq!(table.replace_links(Vec::new()).len(), 2);
}

#[test]
fn reasons_in_one_line() {
    let interface = || "eth0".to_owned();
    for (why, line) in [
        (Why::Resolving { interface: interface() }, "no neighbour yet: resolving on eth0"),
        (
            Why::NoAnswer { address: ip(RIP), interface: interface() },
            "neighbour failed: nobody answers ARP for 192.0.2.21 on eth0",
        ),
        (
            Why::NoAnswer { address: ip(RIP6), interface: interface() },
            "neighbour failed: nobody answers ND for 2001:db8::21 on eth0",
        ),
        (
            Why::Routed { gateway: ip("192.0.2.254") },
            "routed via gateway 192.0.2.254: direct routing needs the real in a directly \
             connected network",
        ),
        (Why::NoRoute, "no route"),
        (Why::Vip, "the address is a VIP on this director: name the real by an address of its own"),
        (
            Why::LowerElsewhere { interface: interface() },
            "interface eth0 is a VLAN of an interface in another network namespace",
        ),
        (
            Why::TooManyTags { interface: interface() },
            "interface eth0 is a VLAN more than two deep",
        ),
        (Why::LinkDown { interface: interface() }, "interface eth0 is down"),
        (Why::LinkGone { ifindex: 7 }, "interface 7 is gone"),
        (Why::NotEthernet { interface: interface() }, "interface eth0 has no MAC (not Ethernet)"),
    ] {
        assert_eq!(why.to_string(), line);
    }
}
