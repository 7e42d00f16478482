//! What is known of the way to each watched real. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use lb_common::value::Mac;
use lb_common::vlan::Tags;

use super::lowering;
pub use super::why::Why;
use crate::netlink::types::{Link, Neighbour, NeighbourState, Route};

/// Bit of a MAC's first byte that marks a group address.
const GROUP: u8 = 1;

/// How to reach a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// Over this hop.
    Resolved(Hop),
    /// Through this machine's own stack: the address is the director's own.
    Local,
    /// Not at all, for this reason.
    Unresolved(Why),
}

/// The last hop to a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The interface that frames to the real leave by: where the way leads over a VLAN, the one
    /// beneath.
    pub ifindex: u32,
    /// The name of the director's interface towards the real, the VLAN's where it is one.
    pub interface: String,
    /// The tags that frames have on the interface `ifindex`.
    pub vlans: Tags,
    /// The real's MAC.
    pub mac: Mac,
    /// The director's MAC on the interface `interface`.
    pub source: Mac,
}

/// The state of links, and of the routes and neighbours of watched reals (by RIP).
#[derive(Debug, Default)]
pub struct Table {
    links: HashMap<u32, Link>,
    /// The watched RIPs, and the way to each; none if there is no way.
    routes: HashMap<IpAddr, Option<Route>>,
    neighbours: HashMap<(u32, IpAddr), Neighbour>,
    /// The director's addresses that are VIPs, by their interface.
    vips: HashSet<(u32, IpAddr)>,
    /// Interfaces that the program is on, or is meant to be on.
    attached: BTreeSet<u32>,
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
        if self.is_local(rip) {
            return Resolution::Local;
        }
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

    /// An address of the director is a VIP that lb-ctl put there, or is so no longer. Returns the
    /// real if its resolution changed by it.
    pub fn set_vip(&mut self, ifindex: u32, address: IpAddr, is_vip: bool) -> Vec<IpAddr> {
        self.changed_by(vec![address], |table| {
            if is_vip {
                table.vips.insert((ifindex, address));
            } else {
                table.vips.remove(&(ifindex, address));
            }
        })
    }

    /// All VIPs of the director at once, by their interface. Returns the reals whose resolution
    /// changed by it.
    pub fn replace_vips(&mut self, vips: HashSet<(u32, IpAddr)>) -> Vec<IpAddr> {
        let all = self.watched().collect();
        self.changed_by(all, |table| table.vips = vips)
    }

    /// The interfaces that the program is on, or is meant to be on. Returns the reals whose
    /// resolution changed by it.
    pub fn set_attached(&mut self, attached: BTreeSet<u32>) -> Vec<IpAddr> {
        let all = self.watched().collect();
        self.changed_by(all, |table| table.attached = attached)
    }

    fn reals_over(&self, index: u32) -> Vec<IpAddr> {
        let leads_over =
            |route: &Route| lowering::chain(&self.links, route.ifindex).any(|i| i == index);
        let over = self.routes.iter().filter(|(_, route)| route.as_ref().is_some_and(leads_over));
        over.map(|(rip, _)| *rip).collect()
    }

    /// Whether the real is this machine. The kernel takes a VIP for its own, too.
    fn is_local(&self, rip: IpAddr) -> bool {
        let local = self.routes.get(&rip).is_some_and(|route| route.is_some_and(|r| r.local));
        local && !self.vips.iter().any(|(_, vip)| *vip == rip)
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
            return Err(Why::Vip);
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
                let (lowest, vlans) = lowering::lower(&self.links, link, &self.attached)?;
                Ok(Hop { ifindex: lowest.index, interface, vlans, mac: *mac, source })
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
