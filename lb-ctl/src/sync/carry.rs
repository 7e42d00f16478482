//! For which services other directors may have flows that this one has not seen. Pure.
//!
//! A ring that changes while a service has forwarded nothing need not wait for flows from before.
//! Where there is another director, that it has forwarded nothing here says nothing: its flows may
//! come this way after a failover, and then they must find both rings on their way from the same
//! real to the same other one. But what a director goes through when it starts, until it has found
//! all reals, the others do not share: a service counts from when its ring has been at rest for a
//! while.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lb_common::value::Service;

use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;

/// How long a ring is to have been at rest at least.
pub const LOOK_EACH: Duration = Duration::from_secs(10);

/// The services that other directors may have flows of.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    known: HashMap<u32, Endpoint>,
    /// Those whose rings were at rest at the last look.
    resting: HashSet<u32>,
}

impl Carried {
    /// Whether other directors may have flows of the service with this id.
    pub fn contains(&self, service: u32) -> bool {
        self.known.contains_key(&service)
    }

    /// Looks at the rings: to be called each [`LOOK_EACH`].
    pub fn look(&mut self, actual: &Actual) {
        let mut resting = HashSet::new();
        for (endpoint, service) in actual.services() {
            let ring = actual.ring(service.id);
            if ring.is_none_or(|ring| ring.census().unsettled > 0) {
                continue;
            }
            if self.resting.contains(&service.id) {
                self.known.insert(service.id, *endpoint);
            }
            resting.insert(service.id);
        }
        self.resting = resting;
    }

    /// Forgets services that are not among these: their numbers may be given to others.
    pub fn retain(&mut self, services: &[(Endpoint, Service)]) {
        let there: HashMap<u32, Endpoint> =
            services.iter().map(|(endpoint, service)| (service.id, *endpoint)).collect();
        self.known.retain(|id, endpoint| there.get(id) == Some(endpoint));
        let known = &self.known;
        self.resting.retain(|id| there.contains_key(id) && known.contains_key(id));
    }

    /// Forgets everything: there are no other directors.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use lb_common::key::Protocol;
    use lb_common::value::Tracking;

    use super::*;
    use crate::reconcile::op::MapOp;
    use crate::sched::maglev::Member;
    use crate::sched::ring::Ring;

    fn service(port: u16, id: u32) -> (Endpoint, Service) {
        let address = IpAddr::from([192, 0, 2, 10]);
        let endpoint = Endpoint { protocol: Protocol::Tcp, address, port: port.into() };
        (endpoint, Service::new(id, Tracking::Changes, 0))
    }

    fn members(ids: &[u32]) -> Vec<Member> {
        let address = |id: u32| IpAddr::from([192, 0, 2, 20 + id as u8]);
        ids.iter().map(|id| Member { id: *id, address: address(*id), weight: 1 }).collect()
    }

    fn actual(services: &[(Endpoint, Service)], ring: &Ring) -> Actual {
        let mut actual = Actual::default();
        actual.record(&MapOp::SetServices { services: services.to_vec() });
        for (_, service) in services {
            actual.record(&MapOp::PutRing { service: service.id, ring: ring.clone() });
        }
        actual
    }

    #[test]
    fn a_service_counts_when_its_ring_has_been_at_rest_for_a_while() {
        let mut carried = Carried::default();
        let settled = Ring::settled(members(&[1]));
        let moving = settled.advance(members(&[1, 2]), |_| true, 5, 251);
        let services = [service(80, 3)];
        carried.look(&actual(&services, &moving));
        carried.look(&actual(&services, &settled));
        assert!(!carried.contains(3), "it has come to rest a moment ago");
        carried.look(&actual(&services, &settled));
        assert!(carried.contains(3));
        carried.look(&actual(&services, &moving));
        assert!(carried.contains(3), "this change is one that others share");
    }

    #[test]
    fn a_number_that_is_given_to_another_service_counts_anew() {
        let mut carried = Carried::default();
        let settled = Ring::settled(members(&[1]));
        let services = [service(80, 3), service(81, 4)];
        for _ in 0..2 {
            carried.look(&actual(&services, &settled));
        }
        carried.retain(&[service(80, 3), service(82, 4)]);
        assert!(carried.contains(3) && !carried.contains(4));
        carried.look(&actual(&[service(80, 3), service(82, 4)], &settled));
        assert!(!carried.contains(4));
        carried.clear();
        assert!(!carried.contains(3));
    }
}
