//! What the daemon knows, and what follows for the packet path. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use lb_common::value::Mac;

use crate::config::model::{Desired, Service};
use crate::neigh::table::Resolution;
use crate::reconcile::target::{NextHop, Target, TargetReal, TargetService};

/// Definitions and what the machine says about them.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What is asked for.
    pub desired: Desired,
    /// How to reach each real.
    pub resolutions: HashMap<IpAddr, Resolution>,
    /// Interfaces that packets come in by.
    pub ingress: BTreeMap<u32, Mac>,
}

impl State {
    /// What the maps should hold.
    pub fn target(&self) -> Target {
        let services = self.desired.services.values();
        Target {
            services: services.map(|service| self.service(service)).collect(),
            ingress: self.ingress.clone(),
        }
    }

    fn service(&self, service: &Service) -> TargetService {
        let reals = service.reals.iter().map(|(address, real)| TargetReal {
            address: *address,
            weight: real.effective_weight(),
            hop: self.hop(*address),
        });
        TargetService { endpoint: service.endpoint, reals: reals.collect() }
    }

    fn hop(&self, address: IpAddr) -> Option<NextHop> {
        match self.resolutions.get(&address)? {
            Resolution::Resolved(hop) => {
                Some(NextHop { ifindex: hop.ifindex, mac: hop.mac, source: hop.source })
            }
            Resolution::Unresolved(_) => None,
        }
    }
}

/// The addresses of all reals.
pub fn rips(desired: &Desired) -> BTreeSet<IpAddr> {
    desired.services.values().flat_map(|service| service.reals.keys().copied()).collect()
}

/// The addresses of all services.
pub fn vips(desired: &Desired) -> BTreeSet<IpAddr> {
    desired.services.keys().map(|endpoint| endpoint.address).collect()
}

#[cfg(test)]
mod tests {
    use lb_common::key::Protocol;

    use super::*;
    use crate::config::model::{Endpoint, Real};
    use crate::neigh::table::{Hop, Why};

    #[test]
    fn only_a_resolved_real_has_a_hop_and_only_an_undrained_one_a_weight() {
        let endpoint =
            Endpoint { protocol: Protocol::Udp, address: "192.0.2.10".parse().unwrap(), port: 53 };
        let [up, silent, unknown]: [IpAddr; 3] =
            ["192.0.2.21", "192.0.2.22", "192.0.2.23"].map(|a| a.parse().unwrap());
        let mut service = Service::new(endpoint);
        service.reals.insert(up, Real { weight: 3, drained: true });
        service.reals.insert(silent, Real::new(2));
        service.reals.insert(unknown, Real::new(1));
        let mut state = State::default();
        state.desired.services.insert(endpoint, service);
        let hop = Hop { ifindex: 4, interface: "eth0".into(), mac: [2; 6], source: [4; 6] };
        state.resolutions.insert(up, Resolution::Resolved(hop));
        state.resolutions.insert(silent, Resolution::Unresolved(Why::NoRoute));

        let target = state.target();
        let next = NextHop { ifindex: 4, mac: [2; 6], source: [4; 6] };
        assert_eq!(
            target.services[0].reals,
            [
                TargetReal { address: up, weight: 0, hop: Some(next) },
                TargetReal { address: silent, weight: 2, hop: None },
                TargetReal { address: unknown, weight: 1, hop: None },
            ]
        );
        assert_eq!(vips(&state.desired), BTreeSet::from([endpoint.address]));
        assert_eq!(rips(&state.desired), BTreeSet::from([up, silent, unknown]));
    }
}
