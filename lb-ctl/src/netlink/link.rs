//! Interfaces.

use lb_common::value::Mac;
use lb_common::vlan::C_TAG;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVlan, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo,
    LinkLayerType, LinkMessage, LinkXdp, XdpAttached,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::types::{Link, LinkKind, Vlan, XdpOnLink};
use super::{Netlink, NetlinkError, macvlan};

impl Netlink {
    /// All interfaces of the namespace.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn links(&self) -> Result<Vec<Link>, NetlinkError> {
        let mut request = LinkMessage::default();
        request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let answers = self.dump("list the interfaces", RouteNetlinkMessage::GetLink(request));
        let links = answers.await?.into_iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(message) => parse(&message),
            _ => None,
        });
        Ok(links.collect())
    }
}

/// What a link message says. None for those that bridges send of their ports: such a message
/// speaks of the port, and its removal is not the interface's.
pub(super) fn parse(message: &LinkMessage) -> Option<Link> {
    if message.header.interface_family != AddressFamily::Unspec {
        return None;
    }
    let ethernet = message.header.link_layer_type == LinkLayerType::Ether;
    let mut name = None;
    let mut mac = None;
    let mut master = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(value) => name = Some(value.clone()),
            LinkAttribute::Address(value) if ethernet => mac = Mac::try_from(&value[..]).ok(),
            LinkAttribute::Controller(value) => master = Some(*value),
            _ => {}
        }
    }
    let flags = message.header.flags;
    Some(Link {
        index: message.header.index,
        name: name?,
        mac,
        up: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        loopback: flags.contains(LinkFlags::Loopback),
        xdp: xdp_of(message),
        kind: kind_of(message),
        master,
    })
}

fn kind_of(message: &LinkMessage) -> LinkKind {
    let infos = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    for info in infos.into_iter().flatten() {
        match info {
            LinkInfo::Kind(InfoKind::Bond) => return LinkKind::Bond,
            LinkInfo::Kind(InfoKind::Team) => return LinkKind::Team,
            LinkInfo::Kind(InfoKind::Bridge) => return LinkKind::Bridge,
            LinkInfo::Kind(InfoKind::MacVlan) if is_virtual_mac(message) => {
                return LinkKind::VirtualMac(lower_of(message));
            }
            LinkInfo::Data(InfoData::Vlan(data)) => {
                return vlan(message, data).map_or(LinkKind::Other, LinkKind::Vlan);
            }
            _ => {}
        }
    }
    LinkKind::Other
}

fn vlan(message: &LinkMessage, data: &[InfoVlan]) -> Option<Vlan> {
    // Kernels before 3.10 told no protocol, and had one only.
    let (mut vid, mut tpid) = (None, C_TAG);
    for part in data {
        match part {
            InfoVlan::Id(value) => vid = Some(*value),
            InfoVlan::Protocol(value) => tpid = (*value).into(),
            _ => {}
        }
    }
    Some(Vlan { tag: (tpid, vid?), lower: lower_of(message) })
}

/// The interface below.
fn lower_of(message: &LinkMessage) -> Option<u32> {
    let mut lower = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::Link(index) => lower = Some(*index),
            // The number is that of another namespace, where it may be anything.
            LinkAttribute::LinkNetNsId(_) => return None,
            _ => {}
        }
    }
    lower
}

fn is_virtual_mac(message: &LinkMessage) -> bool {
    message.attributes.iter().any(|attribute| match attribute {
        LinkAttribute::IfAlias(alias) => alias == macvlan::ALIAS,
        _ => false,
    })
}

fn xdp_of(message: &LinkMessage) -> Option<XdpOnLink> {
    let xdp = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Xdp(xdp) => Some(xdp),
        _ => None,
    })?;
    let native = xdp.iter().any(|part| matches!(part, LinkXdp::Attached(XdpAttached::Driver)));
    let program_id = xdp.iter().find_map(|part| match part {
        LinkXdp::ProgId(id) => Some(*id),
        _ => None,
    })?;
    Some(XdpOnLink { native, program_id })
}

#[cfg(test)]
mod tests {
    use lb_common::vlan::S_TAG;
    use netlink_packet_route::link::VlanProtocol;

    use super::*;

    fn message() -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 3;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.header.flags = LinkFlags::Up | LinkFlags::LowerUp;
        message.attributes.push(LinkAttribute::IfName("eth0".to_owned()));
        message.attributes.push(LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]));
        message
    }

    #[test]
    fn an_ethernet_link() {
        let expected = Link {
            index: 3,
            name: "eth0".to_owned(),
            mac: Some([2, 0, 0, 0, 0, 1]),
            up: true,
            loopback: false,
            xdp: None,
            kind: LinkKind::Other,
            master: None,
        };
        assert_eq!(parse(&message()), Some(expected));
    }

    fn vlan_message() -> LinkMessage {
        let mut message = message();
        let data = vec![InfoVlan::Protocol(VlanProtocol::Ieee8021Ad), InfoVlan::Id(100)];
        let info = vec![LinkInfo::Kind(InfoKind::Vlan), LinkInfo::Data(InfoData::Vlan(data))];
        message.attributes.extend([LinkAttribute::LinkInfo(info), LinkAttribute::Link(2)]);
        message
    }

    #[test]
    fn a_vlan_has_its_tag_and_what_is_below_it() {
        let vlan = Vlan { tag: (S_TAG, 100), lower: Some(2) };
        assert_eq!(parse(&vlan_message()).unwrap().kind, LinkKind::Vlan(vlan));
    }

    #[test]
    fn what_is_in_another_namespace_has_no_number_here() {
        let mut message = vlan_message();
        message.attributes.push(LinkAttribute::LinkNetNsId(0));
        let vlan = Vlan { tag: (S_TAG, 100), lower: None };
        assert_eq!(parse(&message).unwrap().kind, LinkKind::Vlan(vlan));
    }

    #[test]
    fn a_vlan_that_does_not_say_which_is_none() {
        let mut message = message();
        let info = vec![LinkInfo::Data(InfoData::Vlan(Vec::new()))];
        message.attributes.push(LinkAttribute::LinkInfo(info));
        assert_eq!(parse(&message).unwrap().kind, LinkKind::Other);
    }

    #[test]
    fn of_macvlans_only_those_with_the_mark_are_virtual_routers() {
        let mut message = message();
        let info = vec![LinkInfo::Kind(InfoKind::MacVlan)];
        message.attributes.extend([LinkAttribute::LinkInfo(info), LinkAttribute::Link(2)]);
        assert_eq!(parse(&message).unwrap().kind, LinkKind::Other);
        message.attributes.push(LinkAttribute::IfAlias("somebody's".to_owned()));
        assert_eq!(parse(&message).unwrap().kind, LinkKind::Other);
        message.attributes.push(LinkAttribute::IfAlias(macvlan::ALIAS.to_owned()));
        assert_eq!(parse(&message).unwrap().kind, LinkKind::VirtualMac(Some(2)));
    }

    #[test]
    fn members_name_their_master_and_masters_their_kind() {
        for (told, kind) in [
            (InfoKind::Bond, LinkKind::Bond),
            (InfoKind::Team, LinkKind::Team),
            (InfoKind::Bridge, LinkKind::Bridge),
            (InfoKind::Vrf, LinkKind::Other),
        ] {
            let mut message = message();
            let info = vec![LinkInfo::Kind(told)];
            message
                .attributes
                .extend([LinkAttribute::LinkInfo(info), LinkAttribute::Controller(7)]);
            let link = parse(&message).unwrap();
            assert_eq!((link.kind, link.master), (kind, Some(7)));
        }
    }

    #[test]
    fn without_carrier_it_is_down() {
        let mut message = message();
        message.header.flags = LinkFlags::Up;
        assert!(!parse(&message).unwrap().up);
    }

    #[test]
    fn only_ethernet_has_a_mac() {
        let mut message = message();
        message.header.link_layer_type = LinkLayerType::Loopback;
        assert_eq!(parse(&message).unwrap().mac, None);
    }

    #[test]
    fn what_a_bridge_says_of_its_port_is_not_of_the_link() {
        let mut message = message();
        message.header.interface_family = AddressFamily::Bridge;
        assert_eq!(parse(&message), None);
    }
}
