//! Where the kernel would send a packet.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::types::{Route, host_prefix};
use super::{Netlink, NetlinkError};

impl Netlink {
    /// The way to an address, as `ip route get` tells it; none if there is none.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn route_to(&self, address: IpAddr) -> Result<Option<Route>, NetlinkError> {
        let operation = format!("look up the route to {address}");
        let request = RouteNetlinkMessage::GetRoute(request(address));
        match self.query(&operation, request).await {
            Ok(RouteNetlinkMessage::NewRoute(message)) => Ok(parse(&message)),
            Ok(_) => Err(NetlinkError::NoAnswer { operation }),
            Err(error) if error.errno().is_some_and(means_no_route) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The router of the IPv4 default route over an interface, if there is one.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn default_gateway(&self, ifindex: u32) -> Result<Option<Ipv4Addr>, NetlinkError> {
        let operation = format!("look up the default route over interface {ifindex}");
        let mut message = request(NOWHERE.into());
        message.attributes.push(RouteAttribute::Oif(ifindex));
        let route = match self.query(&operation, RouteNetlinkMessage::GetRoute(message)).await {
            Ok(RouteNetlinkMessage::NewRoute(message)) => parse(&message),
            Ok(_) => None,
            Err(error) if error.errno().is_some_and(means_no_route) => None,
            Err(error) => return Err(error),
        };
        let gateway = route.filter(|route| route.ifindex == ifindex).and_then(|it| it.gateway);
        Ok(gateway.and_then(|gateway| match gateway {
            IpAddr::V4(gateway) => Some(gateway),
            IpAddr::V6(_) => None,
        }))
    }
}

/// Of class E (RFC 1112, section 4), which nobody has: what leads there is the default route. A dump
/// of all routes would take long on a router that has the Internet's.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(240, 0, 0, 1);

/// Unreachable routes answer with the first two, prohibiting ones with the third, blackholes with
/// the last.
fn means_no_route(errno: i32) -> bool {
    matches!(errno, libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL)
}

fn request(address: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.destination_prefix_length = host_prefix(address);
    message.attributes.push(RouteAttribute::Destination(address.into()));
    message
}

fn parse(message: &RouteMessage) -> Option<Route> {
    let local = match message.header.kind {
        RouteType::Unicast => false,
        RouteType::Local | RouteType::Anycast => true,
        _ => return None,
    };
    let mut ifindex = None;
    let mut gateway = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(value) => ifindex = Some(*value),
            RouteAttribute::Gateway(RouteAddress::Inet(value))
            | RouteAttribute::Via(RouteVia::Inet(value)) => gateway = Some((*value).into()),
            // An IPv4 route may lead over an IPv6 router (RFC 8950).
            RouteAttribute::Gateway(RouteAddress::Inet6(value))
            | RouteAttribute::Via(RouteVia::Inet6(value)) => gateway = Some((*value).into()),
            _ => {}
        }
    }
    Some(Route { ifindex: ifindex?, gateway, local })
}
