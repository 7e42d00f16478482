//! The interfaces of the machine and their addresses, kept up to date by what the kernel tells.
//! Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use lb_common::value::Mac;

use super::routers::InterfaceState;
use crate::netlink::types::{HeldAddress, Link, Mark, host_prefix};

/// Interfaces by number, with the addresses that do not move.
#[derive(Clone, Debug, Default)]
pub struct Links {
    links: HashMap<u32, Link>,
    /// In the order in which they came.
    fixed: BTreeMap<u32, Vec<HeldAddress>>,
}

impl Links {
    /// What the kernel has.
    pub fn new(links: Vec<Link>, held: Vec<HeldAddress>) -> Self {
        let links = links.into_iter().map(|link| (link.index, link)).collect();
        let mut new = Self { links, fixed: BTreeMap::new() };
        for address in held {
            new.add_address(address);
        }
        new
    }

    /// An interface that is new or different. Returns the names that something is new of.
    pub fn set_link(&mut self, link: Link) -> Vec<String> {
        let mut names = vec![link.name.clone()];
        if let Some(before) = self.links.insert(link.index, link)
            && before.name != names[0]
        {
            names.push(before.name);
        }
        names
    }

    /// An interface that is gone. Returns its name, where it was known.
    pub fn remove_link(&mut self, ifindex: u32) -> Option<String> {
        self.fixed.remove(&ifindex);
        self.links.remove(&ifindex).map(|link| link.name)
    }

    /// An address that is new or different. Returns the interface's name where that matters.
    pub fn add_address(&mut self, held: HeldAddress) -> Option<String> {
        if moves(&held) {
            return None;
        }
        let ifindex = held.ifindex;
        let addresses = self.fixed.entry(ifindex).or_default();
        match addresses.iter_mut().find(|known| known.address == held.address) {
            Some(known) => *known = held,
            None => addresses.push(held),
        }
        self.links.get(&ifindex).map(|link| link.name.clone())
    }

    /// An address that is gone. Returns the interface's name where that matters.
    pub fn remove_address(&mut self, held: &HeldAddress) -> Option<String> {
        let addresses = self.fixed.get_mut(&held.ifindex)?;
        let before = addresses.len();
        addresses.retain(|known| known.address != held.address);
        let name = self.links.get(&held.ifindex)?.name.clone();
        (addresses.len() < before).then_some(name)
    }

    /// An interface by its name.
    pub fn named(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// An interface by its number.
    pub fn numbered(&self, ifindex: u32) -> Option<&Link> {
        self.links.get(&ifindex)
    }

    /// The names of all interfaces.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.links.values().map(|link| link.name.as_str())
    }

    /// The MACs of all interfaces.
    pub fn macs(&self) -> impl Iterator<Item = Mac> {
        self.links.values().filter_map(|link| link.mac)
    }

    /// What virtual routers care of.
    pub fn state(&self, name: &str) -> Option<InterfaceState> {
        let link = self.named(name)?;
        let addresses = self.fixed.get(&link.index).map(Vec::as_slice).unwrap_or_default();
        let ipv4 = addresses.iter().filter_map(|held| match held.address {
            // One of a network comes before a single one, which may be somebody's virtual address.
            IpAddr::V4(v4) => Some((held.prefix_len == host_prefix(held.address), v4)),
            IpAddr::V6(_) => None,
        });
        let link_local = addresses.iter().find_map(|held| match held.address {
            IpAddr::V6(v6) => {
                let ready = !held.tentative && !held.dad_failed;
                (v6.is_unicast_link_local() && ready).then_some(v6)
            }
            IpAddr::V4(_) => None,
        });
        let ipv4 = ipv4.min_by_key(|(is_single, _)| *is_single).map(|(_, address)| address);
        Some(InterfaceState { up: link.up, ipv4, link_local })
    }
}

/// Whether an address is here only while this director is in charge.
fn moves(held: &HeldAddress) -> bool {
    held.has(Mark::Director) || held.has(Mark::Vrrp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::types::LinkKind;

    fn link(index: u32, name: &str) -> Link {
        Link {
            index,
            name: name.to_owned(),
            mac: Some([2, 0, 0, 0, 0, index as u8]),
            up: true,
            loopback: false,
            xdp: None,
            kind: LinkKind::Other,
            master: None,
        }
    }

    fn held(ifindex: u32, cidr: &str, mark: Option<Mark>) -> HeldAddress {
        let (address, prefix) = cidr.split_once('/').unwrap();
        HeldAddress {
            ifindex,
            address: address.parse().unwrap(),
            prefix_len: prefix.parse().unwrap(),
            ours: mark == Some(Mark::Director),
            protocol: mark.map_or(0, Mark::number),
            tentative: false,
            dad_failed: false,
        }
    }

    #[test]
    fn adverts_come_from_an_address_that_stays() {
        let addresses = vec![
            held(2, "192.0.2.10/32", Some(Mark::Vrrp)),
            held(2, "192.0.2.11/32", None),
            held(2, "192.0.2.1/24", None),
            held(2, "198.51.100.1/24", None),
            held(2, "fe80::2/64", None),
        ];
        let links = Links::new(vec![link(2, "eth0")], addresses);
        let state = links.state("eth0").unwrap();
        assert_eq!(state.ipv4, Some([192, 0, 2, 1].into()));
        assert_eq!(state.link_local, "fe80::2".parse().ok());
        assert_eq!(links.state("eth1"), None);
    }

    #[test]
    fn a_tentative_address_cannot_send_yet() {
        let mut links = Links::new(vec![link(2, "eth0")], Vec::new());
        let tentative = HeldAddress { tentative: true, ..held(2, "fe80::2/64", None) };
        assert_eq!(links.add_address(tentative).as_deref(), Some("eth0"));
        assert_eq!(links.state("eth0").unwrap().link_local, None);
        links.add_address(held(2, "fe80::2/64", None));
        assert!(links.state("eth0").unwrap().link_local.is_some());
    }

    #[test]
    fn it_is_told_what_is_new_of_whom() {
        let mut links = Links::new(vec![link(2, "eth0")], Vec::new());
        assert_eq!(links.add_address(held(2, "192.0.2.10/32", Some(Mark::Vrrp))), None);
        assert_eq!(links.add_address(held(2, "192.0.2.1/24", None)).as_deref(), Some("eth0"));
        assert_eq!(links.remove_address(&held(2, "192.0.2.9/24", None)), None);
        let gone = links.remove_address(&held(2, "192.0.2.1/24", None));
        assert_eq!(gone.as_deref(), Some("eth0"));
        assert_eq!(links.set_link(link(2, "wan0")), ["wan0", "eth0"]);
        assert_eq!(links.remove_link(2).as_deref(), Some("wan0"));
        assert_eq!(links.remove_link(2), None);
    }
}
