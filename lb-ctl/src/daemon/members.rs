//! How an interface hangs together with others: it may be a member of a bond, a team or a bridge,
//! and have members and VLANs itself. Pure.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use lb_common::value::Mac;

use crate::dataplane::AttachMode;
use crate::netlink::types::{Link, LinkKind, Vlan};

/// The bond, team or bridge that an interface is a member of. Other masters, such as a VRF, have
/// no part in the frames.
pub(super) fn master<'a>(link: &Link, links: &'a [Link]) -> Option<&'a Link> {
    let master = links.iter().find(|other| Some(other.index) == link.master)?;
    master.kind.speaks_through_members().map(|_| master)
}

/// The interface that has the addresses and the MAC for an interface: the last master of its
/// masters, or the interface itself.
pub(super) fn speaker<'a>(link: &'a Link, links: &'a [Link]) -> &'a Link {
    let masters = std::iter::successors(Some(link), |link| master(link, links));
    // Data of several moments may name links in a circle.
    masters.take(links.len()).last().unwrap_or(link)
}

/// The interfaces whose addresses are reached through an interface: the speaker for it first, then
/// the VLANs of that one in the order of their numbers. A VLAN with a program of its own is by
/// itself.
pub(super) fn addressed<'a>(link: &'a Link, links: &'a [Link]) -> Vec<&'a Link> {
    let mut above: HashMap<u32, Vec<&Link>> = HashMap::new();
    for link in links.iter().filter(|link| link.xdp.is_none()) {
        if let LinkKind::Vlan(Vlan { lower: Some(lower), .. }) = link.kind {
            above.entry(lower).or_default().push(link);
        }
    }
    let first = speaker(link, links);
    let mut found = vec![first];
    let mut looked_at = 0;
    while let Some(below) = found.get(looked_at) {
        // Taken out, so that links in a circle are not gone round for ever.
        let mut vlans = above.remove(&below.index).unwrap_or_default();
        vlans.retain(|link| link.index != first.index);
        vlans.sort_by_key(|link| link.index);
        found.extend(vlans);
        looked_at += 1;
    }
    found
}

/// What the program sees frames come in by, where it is on this interface, and the MAC of those
/// that are for the director. On a bond, the driver runs it on the members
/// (`bond_xdp_set()`, Linux 5.15), and generic mode on the bond.
pub(super) fn ingress(link: &Link, links: &[Link]) -> BTreeMap<u32, Mac> {
    let Some(mac) = speaker(link, links).mac else { return BTreeMap::new() };
    let members = members(link, links).map(|member| member.index);
    members.chain([link.index]).map(|index| (index, mac)).collect()
}

/// The interfaces with MACs of virtual routers whose frames come in by an interface: those on one
/// whose addresses are reached through it.
pub(super) fn virtual_macs(link: &Link, links: &[Link]) -> BTreeMap<u32, Mac> {
    let below: Vec<u32> = addressed(link, links).iter().map(|link| link.index).collect();
    let is_on = |link: &&Link| link.kind.virtual_mac_on().is_some_and(|on| below.contains(&on));
    links.iter().filter(is_on).filter_map(|link| Some((link.index, link.mac?))).collect()
}

fn members<'a>(link: &'a Link, links: &'a [Link]) -> impl Iterator<Item = &'a Link> {
    let bond = link.kind == LinkKind::Bond;
    links.iter().filter(move |other| bond && other.master == Some(link.index))
}

/// What an interface is a member of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Membership {
    kind: LinkKind,
    master: String,
}

impl Membership {
    /// None if it is a member of nothing.
    pub(super) fn of(link: &Link, links: &[Link]) -> Option<Self> {
        let master = master(link, links)?;
        Some(Self { kind: master.kind, master: master.name.clone() })
    }

    /// Why frames to the reals behind the master are lost, where the program is on the member in
    /// this mode. Of the masters, only bonds can send for native XDP (`ndo_xdp_xmit`).
    pub(super) fn caveat(&self, mode: AttachMode) -> Option<String> {
        let lost = mode == AttachMode::Native && self.kind != LinkKind::Bond;
        let master = &self.master;
        lost.then(|| {
            format!(
                "it is {self}, and native XDP cannot send to reals behind {master}: name {master} \
                 instead, or take --mode generic"
            )
        })
    }
}

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.speaks_through_members().unwrap_or("master");
        write!(f, "a member of the {kind} {}", self.master)
    }
}

#[cfg(test)]
mod tests {
    use lb_common::vlan::C_TAG;

    use super::*;
    use crate::netlink::types::XdpOnLink;

    const BOND_MAC: Mac = [2, 0, 0, 0, 0, 9];
    const BRIDGE_MAC: Mac = [2, 0, 0, 0, 0, 10];

    fn link(index: u32, kind: LinkKind, master: Option<u32>, mac: Mac) -> Link {
        Link {
            index,
            name: format!("if{index}"),
            mac: Some(mac),
            up: true,
            loopback: false,
            xdp: None,
            kind,
            master,
        }
    }

    fn card(index: u32, master: Option<u32>) -> Link {
        link(index, LinkKind::Other, master, [2, 0, 0, 0, 0, u8::try_from(index).unwrap()])
    }

    #[test]
    fn a_bonds_members_let_frames_in_for_its_mac() {
        let bond = link(9, LinkKind::Bond, None, BOND_MAC);
        let links = [card(2, Some(9)), card(3, Some(9)), card(4, None), bond.clone()];
        let expected = BTreeMap::from([(2, BOND_MAC), (3, BOND_MAC), (9, BOND_MAC)]);
        assert_eq!(ingress(&bond, &links), expected);
        let alone = BTreeMap::from([(4, links[2].mac.unwrap())]);
        assert_eq!(ingress(&links[2], &links), alone);
    }

    #[test]
    fn a_member_lets_frames_in_for_whoever_has_the_addresses() {
        let bridge = link(10, LinkKind::Bridge, None, BRIDGE_MAC);
        let bond = link(9, LinkKind::Bond, Some(10), BOND_MAC);
        let links = [card(2, Some(9)), bond.clone(), bridge.clone()];
        assert_eq!(ingress(&links[0], &links), BTreeMap::from([(2, BRIDGE_MAC)]));
        assert_eq!(ingress(&bond, &links), BTreeMap::from([(2, BRIDGE_MAC), (9, BRIDGE_MAC)]));
        assert_eq!(ingress(&bridge, &links), BTreeMap::from([(10, BRIDGE_MAC)]));
        assert_eq!(speaker(&links[0], &links), &bridge);
        let in_bond = Membership::of(&links[0], &links).unwrap();
        assert_eq!(in_bond.to_string(), "a member of the bond if9");
        assert_eq!(in_bond.caveat(AttachMode::Native), None);
        let in_bridge = Membership::of(&bond, &links).unwrap();
        assert_eq!(
            in_bridge.caveat(AttachMode::Native).as_deref(),
            Some(
                "it is a member of the bridge if10, and native XDP cannot send to reals behind \
                 if10: name if10 instead, or take --mode generic"
            )
        );
        assert_eq!(in_bridge.caveat(AttachMode::Generic), None);
        assert_eq!(Membership::of(&bridge, &links), None);
    }

    #[test]
    fn vlans_have_addresses_as_well() {
        let vlan = |index, lower| {
            let vlan = Vlan { tag: (C_TAG, 20), lower: Some(lower) };
            link(index, LinkKind::Vlan(vlan), None, BOND_MAC)
        };
        let with_program =
            Link { xdp: Some(XdpOnLink { native: false, program_id: 1 }), ..vlan(12, 9) };
        let bond = link(9, LinkKind::Bond, None, BOND_MAC);
        let links = [card(2, Some(9)), vlan(13, 11), vlan(11, 9), bond, with_program, vlan(14, 2)];
        let indices = |from: usize| -> Vec<u32> {
            addressed(&links[from], &links).iter().map(|link| link.index).collect()
        };
        assert_eq!(indices(0), [9, 11, 13]);
        assert_eq!(indices(2), [11, 13]);
        assert_eq!(indices(4), [12]);
        let circle = [vlan(3, 4), vlan(4, 3)];
        assert_eq!(addressed(&circle[0], &circle).len(), 2);
    }

    #[test]
    fn frames_for_virtual_routers_come_in_where_they_are_on() {
        let on = |index, lower| {
            let mac = [0, 0, 0x5e, 0, 1, u8::try_from(index).unwrap()];
            link(index, LinkKind::VirtualMac(Some(lower)), None, mac)
        };
        let vlan = LinkKind::Vlan(Vlan { tag: (C_TAG, 20), lower: Some(9) });
        let bond = link(9, LinkKind::Bond, None, BOND_MAC);
        let above = link(11, vlan, None, BOND_MAC);
        let links =
            [card(2, Some(9)), bond, above, on(20, 9), on(21, 11), on(22, 3), card(3, None)];
        let both = BTreeMap::from([(20, [0, 0, 0x5e, 0, 1, 20]), (21, [0, 0, 0x5e, 0, 1, 21])]);
        assert_eq!(virtual_macs(&links[1], &links), both);
        assert_eq!(virtual_macs(&links[0], &links), both, "the bond speaks for its member");
        assert_eq!(virtual_macs(&links[6], &links), BTreeMap::from([(22, [0, 0, 0x5e, 0, 1, 22])]));
    }

    #[test]
    fn a_vrf_leaves_its_members_their_mac() {
        let links = [card(2, Some(9)), link(9, LinkKind::Other, None, BOND_MAC)];
        assert_eq!(speaker(&links[0], &links), &links[0]);
        assert_eq!(Membership::of(&links[0], &links), None);
    }

    #[test]
    fn masters_that_are_gone_or_in_a_circle_do_no_harm() {
        let orphan = [card(2, Some(9))];
        assert_eq!(speaker(&orphan[0], &orphan), &orphan[0]);
        let circle = [
            link(2, LinkKind::Bond, Some(3), BOND_MAC),
            link(3, LinkKind::Bond, Some(2), BOND_MAC),
        ];
        assert_eq!(ingress(&circle[0], &circle).len(), 2);
    }
}
