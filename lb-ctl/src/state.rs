//! What the daemon knows, and what follows for the packet path. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use lb_common::details::Picking;
use lb_common::timeout::Timeouts;
use lb_common::value::{Mac, ticks_from_secs};
use lb_common::wide::source;

use crate::config::model::{AllDown, Desired, Hash, Scheduler, Service, Sources};
use crate::neigh::table::{Hop, Resolution, Why};
use crate::reconcile::target::{
    NextHop, Persistence, Scheduling, SourceLists, Target, TargetReal, TargetService, Way,
};

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
        }
    }

    /// The services that have one of these reals, as the maps should hold them.
    pub fn services_with(&self, rips: &BTreeSet<IpAddr>) -> Vec<TargetService> {
        let has = |service: &&Service| {
            if service.sorry_server.is_some_and(|sorry| rips.contains(&sorry)) {
                true
            } else if rips.len() < service.reals.len() {
                rips.iter().any(|rip| service.reals.contains_key(rip))
            } else {
                service.reals.keys().any(|rip| rips.contains(rip))
            }
        };
        self.desired.services.values().filter(has).map(|service| self.service(service)).collect()
    }

    fn service(&self, service: &Service) -> TargetService {
        let real = |address: IpAddr, weight, sorry| {
            let way = if self.is_local(address) {
                Some(Way::Local)
            } else {
                self.hop(address).map(Way::Hop)
            };
            TargetReal { address, weight, way, sorry }
        };
        let reals = service.reals.iter();
        let reals = reals.map(|(address, each)| real(*address, each.effective_weight(), false));
        let sorry = service.sorry_server.map(|address| real(address, 1, true));
        TargetService { reals: reals.chain(sorry).collect(), ..policy(service) }
    }

    /// What the kernel says of the way to a real.
    pub fn resolution(&self, address: IpAddr) -> Option<&Resolution> {
        self.resolutions.get(&address)
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

/// A service but for its reals.
fn policy(service: &Service) -> TargetService {
    let idle = ticks_from_secs(service.idle_timeout);
    let timeouts = service.timeouts;
    let capped = |seconds| ticks_from_secs(seconds).min(idle);
    let persistence = service.persistence.map(|persistence| Persistence {
        timeout: ticks_from_secs(persistence.timeout),
        prefix: persistence.prefix,
    });
    TargetService {
        scheduling: scheduling(service.scheduler, service.hash),
        timeouts: Timeouts {
            syn: capped(timeouts.syn),
            idle,
            fin: capped(timeouts.fin),
            closed: capped(timeouts.closed),
        },
        persistence,
        keep_dead: !service.expire_nodest,
        pass_when_down: service.all_down == AllDown::Pass,
        sources: source_lists(&service.sources),
        ..TargetService::new(service.endpoint, service.tracking, idle)
    }
}

fn scheduling(scheduler: Scheduler, hash: Hash) -> Scheduling {
    let picking = match scheduler {
        Scheduler::Mh | Scheduler::Sh => Picking::Hash,
        Scheduler::Rr | Scheduler::Wrr => Picking::Turns,
        Scheduler::Lc => Picking::Least,
        Scheduler::Wlc => Picking::LeastWeighted,
        Scheduler::Sed => Picking::ShortestDelay,
        Scheduler::Nq => Picking::NeverQueue,
    };
    Scheduling {
        picking,
        equal_weights: scheduler == Scheduler::Rr,
        hash_source: scheduler == Scheduler::Sh || hash == Hash::Source,
    }
}

fn source_lists(sources: &Sources) -> SourceLists {
    let allowed = sources.allow.iter().map(|prefix| (*prefix, source::ALLOW));
    let denied = sources.deny.iter().map(|prefix| (*prefix, source::DENY));
    SourceLists {
        prefixes: allowed.chain(denied).collect(),
        deny_others: !sources.allow.is_empty(),
    }
}

/// The addresses of all reals.
pub fn rips(desired: &Desired) -> BTreeSet<IpAddr> {
    let services = desired.services.values();
    services.flat_map(|s| s.reals.keys().copied().chain(s.sorry_server)).collect()
}

/// The addresses of all services.
pub fn vips(desired: &Desired) -> BTreeSet<IpAddr> {
    desired.services.keys().map(|endpoint| endpoint.address).collect()
}

#[cfg(test)]
mod tests {
    use lb_common::key::Protocol;
    use lb_common::vlan::Tags;

    use super::*;
    use crate::config::model::{Endpoint, Real};

    #[test]
    fn only_a_resolved_real_has_a_hop_and_only_an_undrained_one_a_weight() {
        let endpoint = Endpoint {
            protocol: Protocol::Udp,
            address: "192.0.2.10".parse().unwrap(),
            port: 53.into(),
        };
        let [up, silent, unknown]: [IpAddr; 3] =
            ["192.0.2.21", "192.0.2.22", "192.0.2.23"].map(|a| a.parse().unwrap());
        let mut service = Service::new(endpoint);
        service.reals.insert(up, Real { weight: 3, drained: true });
        service.reals.insert(silent, Real::new(2));
        service.reals.insert(unknown, Real::new(1));
        let mut state = State::default();
        state.desired.services.insert(endpoint, service);
        let hop = Hop {
            ifindex: 4,
            interface: "eth0".into(),
            vlans: Tags::NONE,
            mac: [2; 6],
            source: [4; 6],
        };
        state.resolve(up, Resolution::Resolved(hop));
        state.resolve(silent, Resolution::Unresolved(Why::NoRoute));

        let target = state.target();
        let next = NextHop { ifindex: 4, mac: [2; 6], source: [4; 6], tags: Tags::NONE };
        assert_eq!(
            target.services[0].reals,
            [
                TargetReal { address: up, weight: 0, way: Some(Way::Hop(next)), sorry: false },
                TargetReal { address: silent, weight: 2, way: None, sorry: false },
                TargetReal { address: unknown, weight: 1, way: None, sorry: false },
            ]
        );

        state.resolve(up, Resolution::Local);
        assert_eq!((state.hop(up), state.is_local(up), state.is_reached(up)), (None, true, true));
        assert!(!state.is_local(silent) && !state.is_reached(silent));

        assert_eq!(vips(&state.desired), BTreeSet::from([endpoint.address]));
        assert_eq!(rips(&state.desired), BTreeSet::from([up, silent, unknown]));
    }

    #[test]
    fn a_real_that_is_asked_for_again_keeps_its_last_hop_until_nobody_answers() {
        let address: IpAddr = "192.0.2.21".parse().unwrap();
        let interface = || "eth0".to_owned();
        let resolving = || Resolution::Unresolved(Why::Resolving { interface: interface() });
        let hop = Hop {
            ifindex: 4,
            interface: interface(),
            vlans: Tags::NONE,
            mac: [2; 6],
            source: [4; 6],
        };
        let next = next_hop(&hop);
        let mut state = State::default();

        state.resolve(address, resolving());
        assert_eq!(state.hop(address), None, "it was never known");
        state.resolve(address, Resolution::Resolved(hop));
        state.resolve(address, resolving());
        assert_eq!(state.hop(address), Some(next));
        state.resolve(
            address,
            Resolution::Unresolved(Why::NoAnswer { address, interface: interface() }),
        );
        assert_eq!(state.hop(address), None);
        state.resolve(address, resolving());
        assert_eq!(state.hop(address), None, "it did not answer");
    }

    #[test]
    fn a_hop_is_inherited_and_forgotten_with_its_real() {
        let address: IpAddr = "2001:db8::21".parse().unwrap();
        let next = NextHop { ifindex: 4, mac: [2; 6], source: [4; 6], tags: Tags::NONE };
        let resolving = Resolution::Unresolved(Why::Resolving { interface: "eth0".into() });
        let mut state = State::default();
        state.inherit_hop(address, next);
        state.resolve_all(HashMap::from([(address, resolving.clone())]));
        assert_eq!(state.hop(address), Some(next));
        state.resolve_all(HashMap::new());
        state.resolve_all(HashMap::from([(address, resolving)]));
        assert_eq!(state.hop(address), None);
    }
}
