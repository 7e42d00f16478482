//! Interfaces with a MAC of their own on another one.

use lb_common::value::Mac;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::types::Link;
use super::{Netlink, NetlinkError, link};

/// What the kernel shows with the interfaces of virtual routers, so that they are known again after
/// a restart.
pub(super) const ALIAS: &str = "lb-ctl: MAC of a virtual router";

impl Netlink {
    /// An interface by its name, if there is one.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn link_named(&self, name: &str) -> Result<Option<Link>, NetlinkError> {
        let operation = format!("look up interface {name}");
        let mut request = LinkMessage::default();
        request.attributes.push(LinkAttribute::IfName(name.to_owned()));
        match self.query(&operation, RouteNetlinkMessage::GetLink(request)).await {
            Ok(RouteNetlinkMessage::NewLink(message)) => Ok(link::parse(&message)),
            Ok(_) => Err(NetlinkError::NoAnswer { operation }),
            Err(error) if error.errno() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an interface with this MAC on another one; it is down. It gets the frames for its MAC,
    /// and all that it sends goes out by the one below (the mode called VEPA).
    ///
    /// # Errors
    /// If the kernel refuses: the name is taken, the interface below is a port of something, no
    /// permission.
    pub async fn add_macvlan(&self, name: &str, lower: u32, mac: Mac) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        // What another machine sends from the same MAC, such as the adverts of a virtual router's
        // master, would in private mode come to this interface alone, and never be heard on the one
        // below (`macvlan_handle_frame()` in drivers/net/macvlan.c).
        let data = InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Vepa)]);
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::Link(lower),
            LinkAttribute::Address(mac.to_vec()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::MacVlan), LinkInfo::Data(data)]),
        ];
        let operation = format!("make interface {name} on interface {lower}");
        let request = RouteNetlinkMessage::NewLink(message);
        self.change(&operation, request, NLM_F_CREATE | NLM_F_EXCL).await
    }

    /// Marks an interface as a virtual router's.
    ///
    /// # Errors
    /// If the kernel refuses: it is gone, no permission.
    pub async fn mark_virtual_mac(&self, ifindex: u32) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        message.attributes.push(LinkAttribute::IfAlias(ALIAS.to_owned()));
        let operation = format!("mark interface {ifindex}");
        self.change(&operation, RouteNetlinkMessage::NewLink(message), 0).await
    }

    /// Switches an interface on.
    ///
    /// # Errors
    /// If the kernel refuses: it is gone, no permission.
    pub async fn set_up(&self, ifindex: u32) -> Result<(), NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        let operation = format!("switch interface {ifindex} on");
        self.change(&operation, RouteNetlinkMessage::NewLink(message), 0).await
    }

    /// Removes an interface. Returns whether it was there.
    ///
    /// # Errors
    /// If the kernel refuses: it is no virtual one, no permission.
    pub async fn delete_link(&self, ifindex: u32) -> Result<bool, NetlinkError> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        let operation = format!("remove interface {ifindex}");
        match self.change(&operation, RouteNetlinkMessage::DelLink(message), 0).await {
            Err(error) if error.errno() == Some(libc::ENODEV) => Ok(false),
            done => done.map(|()| true),
        }
    }
}
