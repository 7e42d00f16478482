//! The ARP and ND tables.

use std::net::IpAddr;

use lb_common::value::Mac;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage,
    NeighbourState as Nud,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::NLM_F_CREATE;

use super::types::{Neighbour, NeighbourState};
use super::{Netlink, NetlinkError};

impl Netlink {
    /// All neighbours, IPv4 and IPv6.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn neighbours(&self) -> Result<Vec<Neighbour>, NetlinkError> {
        let mut neighbours = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut request = NeighbourMessage::default();
            request.header.family = family;
            let request = RouteNetlinkMessage::GetNeighbour(request);
            let answers = self.dump("list the neighbours", request).await?;
            neighbours.extend(answers.into_iter().filter_map(|answer| match answer {
                RouteNetlinkMessage::NewNeighbour(message) => parse(&message),
                _ => None,
            }));
        }
        Ok(neighbours)
    }

    /// A neighbour's hardware address, where the kernel knows it.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub async fn mac_of(&self, ifindex: u32, address: IpAddr) -> Result<Option<Mac>, NetlinkError> {
        let known = self.neighbour(ifindex, address).await?.as_ref().and_then(parse);
        Ok(known.filter(|it| it.state.is_valid()).and_then(|it| it.mac))
    }

    /// Has the kernel find out a neighbour's hardware address now and keep it fresh (on kernels
    /// before 5.16 only the former). Returns at once; the answer comes as a notification. An entry
    /// made by hand is left as it is, and a known address stays known.
    ///
    /// # Errors
    /// If the kernel refuses: the interface is gone or knows no ARP, the table is full, no
    /// permission.
    pub async fn resolve(&self, ifindex: u32, address: IpAddr) -> Result<(), NetlinkError> {
        let present = self.neighbour(ifindex, address).await?;
        let operation = format!("resolve {address} on interface {ifindex}");
        self.use_neighbour(&operation, present, message(ifindex, address), true).await
    }

    /// Lets the kernel forget a neighbour in its own time again.
    ///
    /// # Errors
    /// If the kernel refuses: the interface is gone, no permission.
    pub async fn release(&self, ifindex: u32, address: IpAddr) -> Result<(), NetlinkError> {
        let present = self.neighbour(ifindex, address).await?;
        if present.is_none() {
            return Ok(());
        }
        let operation = format!("release neighbour {address} on interface {ifindex}");
        self.use_neighbour(&operation, present, message(ifindex, address), false).await
    }

    async fn use_neighbour(
        &self,
        operation: &str,
        present: Option<NeighbourMessage>,
        mut message: NeighbourMessage,
        managed: bool,
    ) -> Result<(), NetlinkError> {
        if let Some(present) = present {
            // NTF_USE would turn an entry made by hand into one that ages (__neigh_update()).
            if matches!(present.header.state, Nud::Permanent | Nud::Noarp) {
                return Ok(());
            }
            // Left out, this flag would be cleared, and a bridge's or router's entry with it.
            message.header.flags |= present.header.flags & NeighbourFlags::ExtLearned;
        }
        if managed {
            let flags = NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed);
            message.attributes.push(flags);
        }
        let flags = if managed { NLM_F_CREATE } else { 0 };
        let done = self.change(operation, RouteNetlinkMessage::NewNeighbour(message), flags).await;
        match done {
            // Forgotten between the look and the deed: released all the same.
            Err(error) if !managed && error.errno() == Some(libc::ENOENT) => Ok(()),
            done => done,
        }
    }

    async fn neighbour(
        &self,
        ifindex: u32,
        address: IpAddr,
    ) -> Result<Option<NeighbourMessage>, NetlinkError> {
        let operation = format!("look up neighbour {address} on interface {ifindex}");
        let mut request = message(ifindex, address);
        request.header.flags = NeighbourFlags::empty();
        match self.query(&operation, RouteNetlinkMessage::GetNeighbour(request)).await {
            Ok(RouteNetlinkMessage::NewNeighbour(message)) => Ok(Some(message)),
            Ok(_) => Err(NetlinkError::NoAnswer { operation }),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn message(ifindex: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.ifindex = ifindex;
    message.header.flags = NeighbourFlags::Use;
    message.attributes.push(NeighbourAttribute::Destination(address.into()));
    message
}

/// What a neighbour message says. None for entries of bridges, and for those the machine answers
/// for on behalf of others.
pub(super) fn parse(message: &NeighbourMessage) -> Option<Neighbour> {
    if message.header.flags.contains(NeighbourFlags::Proxy) {
        return None;
    }
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(value)) => {
                address = Some(IpAddr::from(*value));
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(value)) => {
                address = Some(IpAddr::from(*value));
            }
            NeighbourAttribute::LinkLayerAddress(value) => mac = Mac::try_from(&value[..]).ok(),
            _ => {}
        }
    }
    let ifindex = message.header.ifindex;
    Some(Neighbour { ifindex, address: address?, mac, state: state(message.header.state)? })
}

fn state(nud: Nud) -> Option<NeighbourState> {
    Some(match nud {
        Nud::None => NeighbourState::None,
        Nud::Incomplete => NeighbourState::Incomplete,
        Nud::Reachable => NeighbourState::Reachable,
        Nud::Stale => NeighbourState::Stale,
        Nud::Delay => NeighbourState::Delay,
        Nud::Probe => NeighbourState::Probe,
        Nud::Failed => NeighbourState::Failed,
        Nud::Noarp => NeighbourState::Noarp,
        Nud::Permanent => NeighbourState::Permanent,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NeighbourMessage {
        let mut entry = message(7, "192.0.2.21".parse().unwrap());
        entry.header.flags = NeighbourFlags::empty();
        entry.header.state = Nud::Reachable;
        entry.attributes.push(NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 1]));
        entry
    }

    #[test]
    fn a_neighbour() {
        let expected = Neighbour {
            ifindex: 7,
            address: "192.0.2.21".parse().unwrap(),
            mac: Some([2, 0, 0, 0, 0, 1]),
            state: NeighbourState::Reachable,
        };
        assert_eq!(parse(&entry()), Some(expected));
    }

    #[test]
    fn proxies_and_bridge_entries_are_not_neighbours() {
        let mut proxy = entry();
        proxy.header.flags = NeighbourFlags::Proxy;
        assert_eq!(parse(&proxy), None);
        let mut forwarding_entry = entry();
        forwarding_entry.attributes.remove(0);
        assert_eq!(parse(&forwarding_entry), None);
    }
}
