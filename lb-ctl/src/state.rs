//! What the daemon knows, and what follows for the packet path. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Instant;

use lb_common::value::Mac;

use crate::config::model::{Desired, Endpoint, Real, Service};
use crate::health::driver::Key;
use crate::health::sm::Condition;
use crate::neigh::table::{Hop, Resolution, Why};
use crate::reconcile::target::{NextHop, Target, TargetReal, TargetService, Way};

pub mod health;
mod policy;
pub mod serving;

use health::{Health, Standing};
use policy::policy;

/// Definitions and what the machine says about them.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What is asked for.
    pub desired: Desired,
    /// How to reach each real.
    resolutions: HashMap<IpAddr, Resolution>,
    /// How reals were reached last, for those that the kernel is asking for again.
    last_hops: HashMap<IpAddr, NextHop>,
    /// Interfaces that packets come in by.
    pub ingress: BTreeMap<u32, Mac>,
    /// MACs of virtual routers on them.
    pub virtual_macs: BTreeSet<Mac>,
    /// What checks say of the reals.
    pub health: Health,
}

impl State {
    /// Definitions, with nothing known of the machine.
    pub fn new(desired: Desired) -> Self {
        Self { desired, ..Self::default() }
    }

    /// What the maps should hold.
    pub fn target(&self) -> Target {
        self.target_of(&self.desired)
    }

    /// What the maps should hold if this were asked for.
    pub fn target_of(&self, desired: &Desired) -> Target {
        let services = desired.services.values();
        Target {
            services: services.map(|service| self.service(service)).collect(),
            ingress: self.ingress.clone(),
            virtual_macs: self.virtual_macs.clone(),
        }
    }

    /// The services that have one of these reals.
    pub fn services_with(&self, rips: &BTreeSet<IpAddr>) -> Vec<Endpoint> {
        let has = |service: &&Service| {
            if service.sorry_server.is_some_and(|sorry| rips.contains(&sorry)) {
                true
            } else if rips.len() < service.reals.len() {
                rips.iter().any(|rip| service.reals.contains_key(rip))
            } else {
                service.reals.keys().any(|rip| rips.contains(rip))
            }
        };
        self.desired.services.values().filter(has).map(|service| service.endpoint).collect()
    }

    /// These services, as the maps should hold them.
    pub fn targets(&self, endpoints: &[Endpoint]) -> Vec<TargetService> {
        let services = &self.desired.services;
        endpoints.iter().filter_map(|each| services.get(each)).map(|s| self.service(s)).collect()
    }

    fn service(&self, service: &Service) -> TargetService {
        let sorry = service.sorry_server;
        let is_relieved = !self.health.is_quorate(&service.endpoint)
            && sorry.is_some_and(|sorry| self.is_reached(sorry));
        let standing = |address| self.health.standing(service, address);
        let takes = |address| !is_relieved && standing(address) == Standing::In;
        let weight = |(address, real): (&IpAddr, &Real)| {
            (*address, if takes(*address) { real.effective_weight() } else { 0 })
        };
        let mut weights: Vec<(IpAddr, u16)> = service.reals.iter().map(weight).collect();
        self.health.shares(service, &mut weights);
        let reals = weights.into_iter().map(|(address, weight)| {
            let way = self.way(address).filter(|_| standing(address) != Standing::Out);
            let down = standing(address) != Standing::In;
            TargetReal { address, weight, way, sorry: false, down }
        });
        let sorry = sorry.map(|address| {
            let way = self.way(address);
            TargetReal { address, weight: 1, way, sorry: true, down: false }
        });
        TargetService { reals: reals.chain(sorry).collect(), ..policy(service) }
    }

    /// Whether a real of a service can take new connections.
    pub fn takes_new(&self, service: &Service, address: IpAddr) -> bool {
        let weighs = service.reals.get(&address).is_some_and(|real| real.effective_weight() > 0);
        weighs && self.health.standing(service, address) == Standing::In && self.is_reached(address)
    }

    fn way(&self, address: IpAddr) -> Option<Way> {
        if self.is_local(address) { Some(Way::Local) } else { self.hop(address).map(Way::Hop) }
    }

    /// Takes in what a real is from now on.
    pub fn set_condition(&mut self, key: &Key, to: Condition, now: Instant) {
        if let Some(service) = self.desired.services.get(&key.0) {
            self.health.set(service, key.1, to, now);
        }
    }

    /// Whether a service has its quorum from now on, where that is new.
    pub fn count_quorum(&mut self, endpoint: &Endpoint) -> Option<bool> {
        let service = self.desired.services.get(endpoint)?;
        let mut weight: u32 = 0;
        for (address, real) in &service.reals {
            let is_in = self.health.standing(service, *address) == Standing::In;
            if is_in && self.is_reached(*address) {
                weight = weight.saturating_add(real.effective_weight().into());
            }
        }
        let is_open = self.is_open(service);
        self.health.count(service, weight, is_open)
    }

    /// Whether there are reals of a service of which nothing is known yet, or none so far.
    fn is_open(&self, service: &Service) -> bool {
        let mut reals = service.reals.keys();
        reals.len() == 0
            || reals.any(|address| {
                let condition = self.health.condition(&(service.endpoint, *address));
                condition == Some(Condition::Unknown) || self.is_resolving(*address)
            })
    }

    fn is_resolving(&self, address: IpAddr) -> bool {
        let resolution = self.resolutions.get(&address);
        resolution.is_none_or(|it| matches!(it, Resolution::Unresolved(Why::Resolving { .. })))
    }

    /// What the kernel says of the way to a real.
    pub fn resolution(&self, address: IpAddr) -> Option<&Resolution> {
        self.resolutions.get(&address)
    }

    /// What the kernel says of the ways to all reals.
    pub fn resolutions(&self) -> impl Iterator<Item = &Resolution> {
        self.resolutions.values()
    }

    /// The hop by which packets go to a real. One whose neighbour entry was lost (flushed by hand,
    /// or between two daemons) is sent to where it was last, until the kernel knows better: the
    /// answer to an ARP request is worth waiting for, and packets are not to be lost meanwhile.
    pub fn hop(&self, address: IpAddr) -> Option<NextHop> {
        match self.resolutions.get(&address)? {
            Resolution::Resolved(hop) => Some(next_hop(hop)),
            Resolution::Unresolved(Why::Resolving { .. }) => self.last_hops.get(&address).copied(),
            Resolution::Local | Resolution::Unresolved(_) => None,
        }
    }

    /// Whether a real is this very machine: it has no hop, and is reached all the same.
    pub fn is_local(&self, address: IpAddr) -> bool {
        matches!(self.resolutions.get(&address), Some(Resolution::Local))
    }

    /// Whether packets can be given to a real, over a hop or on this very machine.
    pub fn is_reached(&self, address: IpAddr) -> bool {
        self.is_local(address) || self.hop(address).is_some()
    }

    /// Whether packets went to a real by another hop than they will by this.
    pub fn has_other_hop(&self, address: IpAddr, resolution: &Resolution) -> bool {
        match (resolution, self.last_hops.get(&address)) {
            (Resolution::Resolved(hop), Some(last)) => next_hop(hop) != *last,
            _ => false,
        }
    }

    /// Takes in a hop that an earlier daemon used.
    pub fn inherit_hop(&mut self, address: IpAddr, hop: NextHop) {
        self.last_hops.insert(address, hop);
    }

    /// Takes in what changed on the way to a real.
    pub fn resolve(&mut self, address: IpAddr, resolution: Resolution) {
        match &resolution {
            Resolution::Resolved(hop) => {
                self.last_hops.insert(address, next_hop(hop));
            }
            Resolution::Unresolved(Why::Resolving { .. }) => {}
            Resolution::Local | Resolution::Unresolved(_) => {
                self.last_hops.remove(&address);
            }
        }
        self.resolutions.insert(address, resolution);
    }

    /// Takes in the way to every real there is, and forgets all others.
    pub fn resolve_all(&mut self, resolutions: HashMap<IpAddr, Resolution>) {
        self.last_hops.retain(|address, _| resolutions.contains_key(address));
        self.resolutions.clear();
        for (address, resolution) in resolutions {
            self.resolve(address, resolution);
        }
    }
}

fn next_hop(hop: &Hop) -> NextHop {
    NextHop { ifindex: hop.ifindex, mac: hop.mac, source: hop.source, tags: hop.vlans }
}

/// The addresses of all reals.
pub fn rips(desired: &Desired) -> BTreeSet<IpAddr> {
    let services = desired.services.values();
    services.flat_map(|s| s.reals.keys().copied().chain(s.sorry_server)).collect()
}

/// The addresses of all services, but for those that virtual routers move.
pub fn vips(desired: &Desired) -> BTreeSet<IpAddr> {
    let moving = desired.vrrp.addresses();
    let addresses = desired.services.keys().map(|endpoint| endpoint.address);
    addresses.filter(|address| !moving.contains(address)).collect()
}

#[cfg(test)]
mod tests;
