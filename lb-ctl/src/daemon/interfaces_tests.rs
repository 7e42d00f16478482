use super::*;
use crate::netlink::types::LinkKind;

const BOND_MAC: Mac = [2, 0, 0, 0, 0, 9];

fn link(index: u32, name: &str, kind: LinkKind, master: Option<u32>) -> Link {
    let mac =
        if kind == LinkKind::Bond { BOND_MAC } else { [2, 0, 0, 0, 1, index.to_le_bytes()[0]] };
    let (name, mac) = (name.to_owned(), Some(mac));
    Link { index, name, mac, up: true, loopback: false, xdp: None, kind, master }
}

/// Two cards in a bond, and one by itself.
fn machine() -> Vec<Link> {
    vec![
        link(2, "eth0", LinkKind::Other, Some(9)),
        link(3, "eth1", LinkKind::Other, Some(9)),
        link(4, "eth2", LinkKind::Other, None),
        link(9, "bond0", LinkKind::Bond, None),
    ]
}

fn interfaces(names: &[&str]) -> Interfaces {
    Interfaces::new(names.iter().map(|name| (*name).to_owned()).collect(), ModeChoice::Auto)
}

fn refreshed(names: &[&str], links: &[Link]) -> Interfaces {
    let mut interfaces = interfaces(names);
    interfaces.refresh(&Desired::default(), links);
    interfaces
}

fn change(link: &Link) -> LinkChange {
    let Link { index, mac, master, .. } = *link;
    LinkChange {
        index,
        name: link.name.clone(),
        present: true,
        up: true,
        mac,
        master,
        below: link.kind.virtual_mac_on(),
    }
}

#[test]
fn members_let_packets_in_as_they_come_and_go() {
    let mut links = machine();
    let mut interfaces = refreshed(&["bond0"], &links);
    let of = |indices: &[u32]| -> BTreeMap<u32, Mac> {
        indices.iter().map(|index| (*index, BOND_MAC)).collect()
    };
    assert_eq!(interfaces.ingress(), of(&[2, 3, 9]));

    links[1].master = None;
    assert!(interfaces.concerns(&change(&links[1])), "it was a member");
    interfaces.refresh(&Desired::default(), &links);
    assert_eq!(interfaces.ingress(), of(&[2, 9]));

    assert!(!interfaces.concerns(&change(&links[2])));
    links[2].master = Some(9);
    assert!(interfaces.concerns(&change(&links[2])), "it becomes a member");
    interfaces.refresh(&Desired::default(), &links);
    assert_eq!(interfaces.ingress(), of(&[2, 4, 9]));
}

#[test]
fn an_interface_that_is_awaited_is_known_by_its_name() {
    let interfaces = refreshed(&["eth7"], &machine());
    assert!(interfaces.ingress().is_empty());
    assert!(interfaces.concerns(&change(&link(17, "eth7", LinkKind::Other, None))));
    assert!(!interfaces.concerns(&change(&machine()[2])), "it is a member of nothing");
}

#[test]
fn a_members_vips_are_its_bonds() {
    let interfaces = refreshed(&["eth0", "eth2"], &machine());
    let reach = interfaces.reach(&machine(), &[]);
    assert_eq!((&reach.ours, &reach.wanted), (&[4, 9].into(), &[4, 9].into()));
    assert!(interfaces.concerns(&change(&machine()[3])));
    let gone = interfaces.reach(&machine(), &["eth1".to_owned()]);
    assert!(gone.ours.contains(&9), "{gone:?}");
}

#[test]
fn an_interface_beside_the_one_it_is_a_member_of_is_refused() {
    let desired = Desired::default();
    for names in [["eth1", "bond0"], ["bond0", "eth1"]] {
        let refused = interfaces(&names).check(&desired, &machine());
        let Err(CommandError::Refused(reason)) = refused else { panic!("{refused:?}") };
        assert_eq!(
            reason,
            "interface eth1 is a member of the bond bond0, which is named as well: name one of them"
        );
    }
    assert_eq!(interfaces(&["eth0", "eth1", "eth2"]).check(&desired, &machine()), Ok(()));
    // A member that was taken in later stops no other change.
    let known = refreshed(&["eth1", "bond0"], &machine());
    assert_eq!(known.check(&desired, &machine()), Ok(()));
}

#[test]
fn a_refusal_names_the_bond() {
    let interfaces = refreshed(&["eth0", "eth2"], &machine());
    let error = |name: &str| DataplaneError::Attach {
        interface: name.to_owned(),
        cause: "another XDP program is attached".to_owned(),
    };
    let refusals: Vec<_> =
        interfaces.iter().map(|interface| interface.refusal(&error(&interface.name))).collect();
    let hint = " (it is a member of the bond bond0: name that one instead, or take it out)";
    assert!(refusals[0].ends_with(hint), "{refusals:?}");
    assert!(!refusals[1].contains("member"), "{refusals:?}");
}
