//! Reals in VLANs.

use lb_common::vlan::C_TAG;

use super::*;
use crate::netlink::types::Vlan;

/// A VLAN of eth0.
fn eth0_20() -> Link {
    let vlan = Vlan { tag: (C_TAG, 20), lower: Some(2) };
    let name = "eth0.20".to_owned();
    Link { index: 7, name, kind: LinkKind::Vlan(vlan), mac: Some(OTHER), ..eth0() }
}

#[test]
fn a_real_in_a_vlan_is_reached_by_the_interface_below() {
    let mut table = table();
    table.set_link(eth0_20());
    assert_eq!(table.set_route(ip(RIP), Some(direct(7))), [ip(RIP)]);
    // The kernel knows it, and asks for it, on the VLAN.
    assert_eq!(table.asking_on(ip(RIP)), Some(7));
    table.set_neighbour(neighbour(RIP, Some(OTHER), NeighbourState::Reachable));
    let resolving = Why::Resolving { interface: "eth0.20".to_owned() };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Unresolved(resolving));
    let there = Neighbour { ifindex: 7, ..neighbour(RIP, Some(REAL), NeighbourState::Stale) };
    assert_eq!(table.set_neighbour(there), [ip(RIP)]);
    let interface = "eth0.20".to_owned();
    let hop = Hop { ifindex: 2, interface, vlans: Tags::one(C_TAG, 20), mac: REAL, source: OTHER };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Resolved(hop.clone()));

    assert_eq!(table.set_attached([7].into()), [ip(RIP)]);
    let whole = Hop { ifindex: 7, vlans: Tags::NONE, ..hop };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Resolved(whole));
}

#[test]
fn what_becomes_of_the_interface_below_changes_the_reals_in_its_vlans() {
    let mut table = table();
    table.set_link(eth0_20());
    table.set_route(ip(RIP), Some(direct(7)));
    let there = Neighbour { ifindex: 7, ..neighbour(RIP, Some(REAL), NeighbourState::Stale) };
    assert_eq!(table.set_neighbour(there), [ip(RIP)]);
    let both = vec![ip(RIP), ip(RIP6)];
    assert_eq!(sorted(table.remove_link(2)), both);
    let gone = Resolution::Unresolved(Why::LinkGone { ifindex: 2 });
    assert_eq!(table.resolution(ip(RIP)), gone);
    assert_eq!(sorted(table.set_link(eth0())), both);
    assert!(matches!(table.resolution(ip(RIP)), Resolution::Resolved(_)));
    // Its place is taken by a VLAN that is below the other: a circle.
    let below = Vlan { tag: (C_TAG, 30), lower: Some(7) };
    let circle = Link { kind: LinkKind::Vlan(below), ..eth0() };
    assert_eq!(table.set_link(circle), [ip(RIP)]);
    let too_many = Why::TooManyTags { interface: "eth0.20".to_owned() };
    assert_eq!(table.resolution(ip(RIP)), Resolution::Unresolved(too_many));
}
