//! Interfaces.

use lb_common::value::Mac;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkLayerType, LinkMessage, LinkXdp, XdpAttached,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::types::{Link, XdpOnLink};
use super::{Netlink, NetlinkError};

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
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(value) => name = Some(value.clone()),
            LinkAttribute::Address(value) if ethernet => mac = Mac::try_from(&value[..]).ok(),
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
        };
        assert_eq!(parse(&message()), Some(expected));
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
