//! What the kernel says, taken into the table, with the news and the questions that follow from it.

use std::collections::HashSet;
use std::net::IpAddr;

use super::Watcher;
use crate::netlink::types::{HeldAddress, Link, Neighbour, Route};

impl Watcher {
    pub(super) fn tell_link(&mut self, link: &Link) {
        if self.table.link(link.index) != Some(link) {
            self.news.link(link, true);
        }
    }

    /// Reals whose resolution changed.
    pub(super) fn took(&mut self, changed: Vec<IpAddr>) {
        self.news.changed(&changed);
        self.ask(changed);
    }

    pub(super) fn take_links(&mut self, links: Vec<Link>) {
        for link in &links {
            self.tell_link(link);
        }
        let present: HashSet<u32> = links.iter().map(|link| link.index).collect();
        for gone in self.table.links().filter(|link| !present.contains(&link.index)) {
            self.news.link(gone, false);
        }
        let changed = self.table.replace_links(links);
        self.took(changed);
    }

    pub(super) fn take_addresses(&mut self, held: &[HeldAddress]) {
        let place = |held: &HeldAddress| (held.ifindex, held.address);
        self.news.addresses(&held.iter().map(place).collect());
        let vips = held.iter().filter(|held| held.ours).map(place).collect();
        let changed = self.table.replace_vips(vips);
        self.took(changed);
    }

    pub(super) fn take_vip(&mut self, held: &HeldAddress, is_vip: bool) {
        let changed = self.table.set_vip(held.ifindex, held.address, is_vip);
        self.took(changed);
    }

    pub(super) fn take_neighbours(&mut self, neighbours: Vec<Neighbour>) {
        let changed = self.table.replace_neighbours(neighbours);
        self.took(changed);
    }

    pub(super) fn take_routes(&mut self, routes: Vec<(IpAddr, Option<Route>)>) {
        let mut changed = Vec::new();
        for (rip, route) in routes {
            changed.extend(self.table.set_route(rip, route));
        }
        self.took(changed);
    }
}
