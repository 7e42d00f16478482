//! What must be known of the services to read what the connection tables hold of them. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

use lb_common::be::Address;
use lb_common::details::Details;
use lb_common::hash::{flow_hash, source_hash};
use lb_common::key::{FlowKey, Protocol};
use lb_common::timeout;
use lb_common::value::{Connection, Service, Ticks, connection_state, service_flags};

use super::flow::Flow;
use crate::config::model::Endpoint;
use crate::reconcile::actual::Actual;

/// What is known of a service.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// What names it.
    pub endpoint: Endpoint,
    /// What packets find of it.
    pub service: Service,
    /// What stands beside it.
    pub details: Details,
}

/// What is known of all services.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Those with the fewest ports come first.
    by_vip: HashMap<(Protocol, IpAddr), Vec<Kept>>,
}

impl Keeping {
    /// What `actual` says.
    pub fn of(actual: &Actual) -> Self {
        let known = actual.services().iter().filter_map(|(endpoint, service)| {
            let details = *actual.details(service.id)?;
            Some(Kept { endpoint: *endpoint, service: *service, details })
        });
        known.collect()
    }

    /// The service that a packet to this place is for.
    pub fn find(&self, protocol: Protocol, vip: IpAddr, port: u16) -> Option<&Kept> {
        let at_vip = self.by_vip.get(&(protocol, vip))?;
        at_vip.iter().find(|kept| kept.endpoint.port.contains(port))
    }

    /// The service that an entry of the connection table belongs to.
    pub fn service_of<A: Address>(&self, flow: &FlowKey<A>) -> Option<&Kept> {
        let protocol = Protocol::from_number(flow.protocol as u8)?;
        let vip: IpAddr = A::Std::from(flow.destination).into();
        let port = flow.destination_port.get();
        if flow.is_template() {
            // A template has the lowest port of its service.
            let at_vip = self.by_vip.get(&(protocol, vip))?;
            return at_vip.iter().find(|kept| kept.endpoint.port.first() == port);
        }
        self.find(protocol, vip, port)
    }

    /// The same, whatever the entry's family.
    pub fn service_of_flow(&self, flow: &Flow) -> Option<&Kept> {
        match flow {
            Flow::V4(flow) => self.service_of(flow),
            Flow::V6(flow) => self.service_of(flow),
        }
    }

    /// Whether any service keeps clients with their reals.
    pub fn has_persistence(&self) -> bool {
        self.all().any(|kept| kept.details.persistence > 0)
    }

    fn all(&self) -> impl Iterator<Item = &Kept> {
        self.by_vip.values().flatten()
    }
}

impl FromIterator<Kept> for Keeping {
    fn from_iter<I: IntoIterator<Item = Kept>>(all: I) -> Self {
        let mut by_vip: HashMap<_, Vec<Kept>> = HashMap::new();
        for kept in all {
            let Endpoint { protocol, address, .. } = kept.endpoint;
            by_vip.entry((protocol, address)).or_default().push(kept);
        }
        for at_vip in by_vip.values_mut() {
            at_vip.sort_by_key(|kept| (kept.endpoint.port.is_any(), kept.endpoint.port));
        }
        Self { by_vip }
    }
}

impl Kept {
    /// How much of its time an entry of this service has left.
    pub fn left(&self, entry: &Connection, now: Ticks) -> Option<Ticks> {
        self.after(entry.state).checked_sub(timeout::age(entry.seen, now))
    }

    /// The same as [`Self::hash`], whatever the flow's family.
    pub fn hash_of_flow(&self, seed: u64, flow: &Flow) -> u32 {
        match flow {
            Flow::V4(flow) => self.hash(seed, flow),
            Flow::V6(flow) => self.hash(seed, flow),
        }
    }

    /// How long an entry of this service in this state outlives its last packet.
    pub fn after(&self, state: u32) -> Ticks {
        if state == connection_state::TEMPLATE {
            self.details.persistence
        } else {
            self.details.timeouts.after(state)
        }
    }

    /// The hash by which the flow falls into a slot of this service's ring.
    pub fn hash<A: Address>(&self, seed: u64, flow: &FlowKey<A>) -> u32 {
        if self.service.has(service_flags::HASH_SOURCE) {
            source_hash(seed, flow.source, flow.destination)
        } else {
            flow_hash(seed, flow)
        }
    }
}

#[cfg(test)]
mod tests {
    use lb_common::be::{Be16, Be32};
    use lb_common::value::Tracking;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::config::model::Ports;

    fn kept(id: u32, port: Ports) -> Kept {
        let address = "192.0.2.10".parse().unwrap();
        Kept {
            endpoint: Endpoint { protocol: Protocol::Tcp, address, port },
            service: Service::new(id, Tracking::Full, 0),
            details: Details::default(),
        }
    }

    #[test]
    fn the_service_with_the_fewest_ports_is_found() {
        let all =
            [kept(1, Ports::ANY), kept(2, Ports::range(100, 200).unwrap()), kept(3, 80.into())];
        let keeping: Keeping = all.into_iter().collect();
        let vip: IpAddr = "192.0.2.10".parse().unwrap();
        let found = |port| keeping.find(Protocol::Tcp, vip, port).map(|kept| kept.service.id);
        assert_eq!([80, 100, 200, 201].map(found), [Some(3), Some(2), Some(2), Some(1)]);
        assert!(keeping.find(Protocol::Udp, vip, 80).is_none());
        let template = |port| {
            let (source, vip) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(192, 0, 2, 10).into());
            let key: FlowKey<Be32> = FlowKey::template(source, vip, Be16::new(port), 6);
            keeping.service_of(&key).map(|kept| kept.service.id)
        };
        assert_eq!([80, 100, 0].map(template), [Some(3), Some(2), Some(1)]);
    }

    #[test]
    fn a_template_lives_for_the_time_of_persistence() {
        let mut kept = kept(1, 80.into());
        kept.details.persistence = 100;
        let state = connection_state::TEMPLATE;
        let entry = Connection { seen: 1000, state, ..Connection::default() };
        assert_eq!(kept.left(&entry, 1100), Some(0));
        assert_eq!(kept.left(&entry, 1101), None);
    }
}
