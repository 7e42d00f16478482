//! What is known of the way to each watched real. Pure.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;

use lb_common::value::Mac;

use crate::netlink::types::{Link, Neighbour, NeighbourState, Route};

/// Bit of a MAC's first byte that marks a group address.
const GROUP: u8 = 1;

/// How to reach a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// Over this hop.
    Resolved(Hop),
    /// Not at all, for this reason.
    Unresolved(Why),
}

/// The last hop to a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The director's interface towards the real.
    pub ifindex: u32,
    /// That interface's name.
    pub interface: String,
    /// The real's MAC.
    pub mac: Mac,
    /// The director's MAC on that interface.
    pub source: Mac,
}

/// Why a real cannot be reached. Shown to people, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Asked, no answer yet.
    Resolving {
        /// The interface asked on.
        interface: String,
    },
    /// Asked, and nobody answers.
    NoAnswer {
        /// The real.
        address: IpAddr,
        /// The interface asked on.
        interface: String,
    },
    /// Not in a directly connected network.
    Routed {
        /// The router in between.
        gateway: IpAddr,
    },
    /// Nowhere to send.
    NoRoute,
    /// It is this machine.
    Local,
    /// The way leads over an interface that is off or without carrier.
    LinkDown {
        /// That interface.
        interface: String,
    },
    /// The way leads over an interface that is not there (any more).
    LinkGone {
        /// Its number.
        ifindex: u32,
    },
    /// The way leads over an interface without Ethernet.
    NotEthernet {
        /// That interface.
        interface: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving { interface } => {
                write!(f, "no neighbour yet: resolving on {interface}")
            }
            Self::NoAnswer { address, interface } => {
                let protocol = if address.is_ipv4() { "ARP" } else { "ND" };
                write!(
                    f,
                    "neighbour failed: nobody answers {protocol} for {address} on {interface}"
                )
            }
            Self::Routed { gateway } => write!(
                f,
                "routed via gateway {gateway}: direct routing needs the real in a directly \
                 connected network"
            ),
            Self::NoRoute => f.write_str("no route"),
            Self::Local => f.write_str("the address is the director's own"),
            Self::LinkDown { interface } => write!(f, "interface {interface} is down"),
            Self::LinkGone { ifindex } => write!(f, "interface {ifindex} is gone"),
            Self::NotEthernet { interface } => {
                write!(f, "interface {interface} has no MAC (not Ethernet)")
            }
        }
    }
}

/// The state of links, and of the routes and neighbours of watched reals (by RIP).
#[derive(Debug, Default)]
pub struct Table {
    links: HashMap<u32, Link>,
    /// The watched RIPs, and the way to each; none if there is no way.
    routes: HashMap<IpAddr, Option<Route>>,
    neighbours: HashMap<(u32, IpAddr), Neighbour>,
}

impl Table {
    /// Sets which reals are watched. Returns those that are new; they have no route yet.
    pub fn watch(&mut self, rips: &BTreeSet<IpAddr>) -> Vec<IpAddr> {
        self.routes.retain(|rip, _| rips.contains(rip));
        self.neighbours.retain(|(_, rip), _| rips.contains(rip));
        let new: Vec<_> =
            rips.iter().filter(|rip| !self.routes.contains_key(*rip)).copied().collect();
        self.routes.extend(new.iter().map(|rip| (*rip, None)));
        new
    }

    /// The watched reals, in no order.
    pub fn watched(&self) -> impl Iterator<Item = IpAddr> {
        self.routes.keys().copied()
    }

    /// Whether the real is watched.
    pub fn watches(&self, rip: IpAddr) -> bool {
        self.routes.contains_key(&rip)
    }

    /// The links, in no order.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// A link.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// How to reach a real. One that is not watched has no route.
    pub fn resolution(&self, rip: IpAddr) -> Resolution {
        match self.hop(rip) {
            Ok(hop) => Resolution::Resolved(hop),
            Err(why) => Resolution::Unresolved(why),
        }
    }

    /// The interface on which to ask for a real's MAC; none where asking would be in vain.
    pub fn asking_on(&self, rip: IpAddr) -> Option<u32> {
        self.way(rip).ok().map(|(link, _)| link.index)
    }

    /// A link is new or different. Returns the reals whose resolution changed by it.
    pub fn set_link(&mut self, link: Link) -> Vec<IpAddr> {
        let over = self.reals_over(link.index);
        self.changed_by(over, |table| {
            table.links.insert(link.index, link);
        })
    }

    /// A link is gone. Returns the reals whose resolution changed by it.
    pub fn remove_link(&mut self, index: u32) -> Vec<IpAddr> {
        let over = self.reals_over(index);
        self.changed_by(over, |table| {
            table.links.remove(&index);
            table.neighbours.retain(|(ifindex, _), _| *ifindex != index);
        })
    }

    /// The way to a watched real, none if there is none. Returns the real if its resolution
    /// changed by it.
    pub fn set_route(&mut self, rip: IpAddr, route: Option<Route>) -> Vec<IpAddr> {
        self.changed_by(vec![rip], |table| {
            if let Some(known) = table.routes.get_mut(&rip) {
                *known = route;
            }
        })
    }

    /// A neighbour is new or different; those that are not watched reals are not kept. Returns
    /// the real if its resolution changed by it.
    pub fn set_neighbour(&mut self, neighbour: Neighbour) -> Vec<IpAddr> {
        let rip = neighbour.address;
        if !self.routes.contains_key(&rip) {
            return Vec::new();
        }
        self.changed_by(vec![rip], |table| {
            table.neighbours.insert((neighbour.ifindex, rip), neighbour);
        })
    }

    /// A neighbour is forgotten. Returns the real if its resolution changed by it.
    pub fn remove_neighbour(&mut self, ifindex: u32, rip: IpAddr) -> Vec<IpAddr> {
        self.changed_by(vec![rip], |table| {
            table.neighbours.remove(&(ifindex, rip));
        })
    }

    /// All neighbours at once, in place of those known. Returns the reals whose resolution
    /// changed by it.
    pub fn replace_neighbours(&mut self, neighbours: Vec<Neighbour>) -> Vec<IpAddr> {
        let all = self.watched().collect();
        self.changed_by(all, |table| {
            let watched = neighbours.into_iter().filter(|n| table.routes.contains_key(&n.address));
            table.neighbours = watched.map(|n| ((n.ifindex, n.address), n)).collect();
        })
    }

    /// All links at once, in place of those known. Returns the reals whose resolution changed by
    /// it.
    pub fn replace_links(&mut self, links: Vec<Link>) -> Vec<IpAddr> {
        let all = self.watched().collect();
        self.changed_by(all, |table| {
            table.links = links.into_iter().map(|link| (link.index, link)).collect();
        })
    }

    fn reals_over(&self, index: u32) -> Vec<IpAddr> {
        let routes = self.routes.iter();
        let over = routes.filter(|(_, route)| route.is_some_and(|route| route.ifindex == index));
        over.map(|(rip, _)| *rip).collect()
    }

    fn changed_by(
        &mut self,
        candidates: Vec<IpAddr>,
        change: impl FnOnce(&mut Self),
    ) -> Vec<IpAddr> {
        let before: Vec<_> =
            candidates.into_iter().map(|rip| (rip, self.resolution(rip))).collect();
        change(self);
        let changed = before.into_iter().filter(|(rip, old)| self.resolution(*rip) != *old);
        changed.map(|(rip, _)| rip).collect()
    }

    /// The link that leads to a real's network, and its MAC.
    fn way(&self, rip: IpAddr) -> Result<(&Link, Mac), Why> {
        let route = self.routes.get(&rip).copied().flatten().ok_or(Why::NoRoute)?;
        if route.local {
            return Err(Why::Local);
        }
        if let Some(gateway) = route.gateway {
            return Err(Why::Routed { gateway });
        }
        let ifindex = route.ifindex;
        let link = self.links.get(&ifindex).ok_or(Why::LinkGone { ifindex })?;
        if !link.up {
            return Err(Why::LinkDown { interface: link.name.clone() });
        }
        let mac = link.mac.ok_or_else(|| Why::NotEthernet { interface: link.name.clone() })?;
        Ok((link, mac))
    }

    fn hop(&self, rip: IpAddr) -> Result<Hop, Why> {
        let (link, source) = self.way(rip)?;
        let interface = link.name.clone();
        match self.neighbours.get(&(link.index, rip)) {
            Some(Neighbour { state: NeighbourState::Failed, .. }) => {
                Err(Why::NoAnswer { address: rip, interface })
            }
            Some(Neighbour { state, mac: Some(mac), .. })
                if state.is_valid() && is_a_machines(*mac) =>
            {
                Ok(Hop { ifindex: link.index, interface, mac: *mac, source })
            }
            _ => Err(Why::Resolving { interface }),
        }
    }
}

/// Group addresses and the null address reach no single machine.
fn is_a_machines(mac: Mac) -> bool {
    mac != Mac::default() && mac[0] & GROUP == 0
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
