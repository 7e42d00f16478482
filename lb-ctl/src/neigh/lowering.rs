//! From a VLAN to the interface that its frames leave by. Pure.
//!
//! Native XDP sends frames out of network cards, and out of no VLAN: it adds the tags itself.

use std::collections::{BTreeSet, HashMap};

use lb_common::vlan::Tags;

use super::why::Why;
use crate::netlink::types::{Link, LinkKind};

/// The interface below a VLAN and below those that it is in, and the tags that frames have there.
/// Any other interface is its own.
///
/// A VLAN that the program itself is on, and on nothing beneath, is left whole: there the kernel
/// takes the tags off before the program and puts them on behind it.
pub(super) fn lower<'a>(
    links: &'a HashMap<u32, Link>,
    from: &'a Link,
    attached: &BTreeSet<u32>,
) -> Result<(&'a Link, Tags), Why> {
    let mut link = from;
    let mut tags = Tags::NONE;
    while let LinkKind::Vlan(vlan) = link.kind {
        let beneath = || chain(links, link.index).skip(1).any(|index| attached.contains(&index));
        if attached.contains(&link.index) && !beneath() {
            break;
        }
        tags = tags
            .within(vlan.tag)
            .ok_or_else(|| Why::TooManyTags { interface: from.name.clone() })?;
        let elsewhere = || Why::LowerElsewhere { interface: link.name.clone() };
        let ifindex = vlan.lower.ok_or_else(elsewhere)?;
        link = links.get(&ifindex).ok_or(Why::LinkGone { ifindex })?;
        if !link.up {
            return Err(Why::LinkDown { interface: link.name.clone() });
        }
    }
    Ok((link, tags))
}

/// An interface, those below it one after the other, and none more than can matter to [`lower`]:
/// data of several moments may name links in a circle.
pub(super) fn chain(links: &HashMap<u32, Link>, from: u32) -> impl Iterator<Item = u32> {
    let below = |index: &u32| match links.get(index)?.kind {
        LinkKind::Vlan(vlan) => vlan.lower,
        _ => None,
    };
    std::iter::successors(Some(from), below).take(Tags::MOST + 1)
}

#[cfg(test)]
mod tests {
    use lb_common::vlan::{C_TAG, S_TAG};

    use super::*;
    use crate::netlink::types::Vlan;

    fn link(index: u32, kind: LinkKind) -> Link {
        Link {
            index,
            name: format!("if{index}"),
            mac: Some([2, 0, 0, 0, 0, 1]),
            up: true,
            loopback: false,
            xdp: None,
            kind,
            master: None,
        }
    }

    fn vlan(index: u32, tag: (u16, u16), lower: Option<u32>) -> Link {
        link(index, LinkKind::Vlan(Vlan { tag, lower }))
    }

    fn links(list: Vec<Link>) -> HashMap<u32, Link> {
        list.into_iter().map(|link| (link.index, link)).collect()
    }

    /// eth0, eth0.100 of a provider, eth0.100.20, and eth0.30.
    fn trunk() -> HashMap<u32, Link> {
        links(vec![
            link(2, LinkKind::Other),
            vlan(3, (S_TAG, 100), Some(2)),
            vlan(4, (C_TAG, 20), Some(3)),
            vlan(5, (C_TAG, 30), Some(2)),
        ])
    }

    fn lowered(
        links: &HashMap<u32, Link>,
        from: u32,
        attached: &[u32],
    ) -> Result<(u32, Tags), Why> {
        let attached = attached.iter().copied().collect();
        lower(links, &links[&from], &attached).map(|(link, tags)| (link.index, tags))
    }

    #[test]
    fn tags_are_in_the_order_of_the_wire() {
        let trunk = trunk();
        assert_eq!(lowered(&trunk, 2, &[2]), Ok((2, Tags::NONE)));
        assert_eq!(lowered(&trunk, 3, &[2]), Ok((2, Tags::one(S_TAG, 100))));
        assert_eq!(lowered(&trunk, 4, &[2]), Ok((2, Tags::two((S_TAG, 100), (C_TAG, 20)))));
        assert_eq!(lowered(&trunk, 5, &[]), Ok((2, Tags::one(C_TAG, 30))));
    }

    #[test]
    fn a_vlan_with_the_program_is_left_whole() {
        let trunk = trunk();
        assert_eq!(lowered(&trunk, 4, &[4]), Ok((4, Tags::NONE)));
        assert_eq!(lowered(&trunk, 4, &[3]), Ok((3, Tags::one(C_TAG, 20))));
        assert_eq!(lowered(&trunk, 5, &[4]), Ok((2, Tags::one(C_TAG, 30))));
    }

    #[test]
    fn frames_are_seen_by_the_lowest_program_first() {
        let trunk = trunk();
        assert_eq!(lowered(&trunk, 5, &[5, 2]), Ok((2, Tags::one(C_TAG, 30))));
        assert_eq!(lowered(&trunk, 4, &[4, 3]), Ok((3, Tags::one(C_TAG, 20))));
    }

    #[test]
    fn what_is_below_may_be_gone_down_or_elsewhere() {
        let mut trunk = trunk();
        trunk.get_mut(&3).unwrap().up = false;
        assert_eq!(lowered(&trunk, 4, &[]), Err(Why::LinkDown { interface: "if3".into() }));
        trunk.remove(&3);
        assert_eq!(lowered(&trunk, 4, &[]), Err(Why::LinkGone { ifindex: 3 }));
        trunk.insert(4, vlan(4, (C_TAG, 20), None));
        assert_eq!(lowered(&trunk, 4, &[]), Err(Why::LowerElsewhere { interface: "if4".into() }));
    }

    #[test]
    fn three_tags_are_too_many_and_circles_end() {
        let too_many = |from: u32| Err(Why::TooManyTags { interface: format!("if{from}") });
        let mut trunk = trunk();
        trunk.insert(6, vlan(6, (C_TAG, 7), Some(4)));
        assert_eq!(lowered(&trunk, 6, &[]), too_many(6));
        let circle = links(vec![vlan(3, (C_TAG, 1), Some(4)), vlan(4, (C_TAG, 2), Some(3))]);
        assert_eq!(lowered(&circle, 3, &[3, 4]), too_many(3));
        let itself = links(vec![vlan(3, (C_TAG, 1), Some(3))]);
        assert_eq!(lowered(&itself, 3, &[]), too_many(3));
        assert_eq!(chain(&itself, 3).count(), 3);
    }
}
