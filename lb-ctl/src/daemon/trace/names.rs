//! The names of what the program knows by numbers.

use std::collections::HashMap;
use std::time::Duration;

use lb_common::trace::{Event, NO_SERVICE};
use lb_common::value::NO_REAL;
use lb_common::verdict::Reason;
use nix::net::if_::if_indextoname;

use crate::api::wire::{TracedPacket, hexadecimal};
use crate::config::model::Endpoint;
use crate::frame::{self, Headers};
use crate::reconcile::actual::{Actual, address_of, in_use};

/// Names that were looked up before.
pub(super) struct Names {
    /// By how much the clock of the day is ahead of that of the events.
    ahead: Duration,
    services: HashMap<u32, Endpoint>,
    interfaces: HashMap<u32, String>,
}

impl Names {
    pub(super) fn new(ahead: Duration) -> Self {
        Self { ahead, services: HashMap::new(), interfaces: HashMap::new() }
    }

    /// Makes sure that all numbers of these events are known, as far as they are anybody's.
    pub(super) fn learn(&mut self, actual: &Actual, events: &[Event]) {
        // There may be thousands of services, and an event has the number of one.
        let unknown = |event: &&Event| {
            event.service != NO_SERVICE && self.service(actual, event.service).is_none()
        };
        if events.iter().any(|event| unknown(&event)) {
            let services = actual.services().iter();
            self.services = services.map(|(endpoint, service)| (service.id, *endpoint)).collect();
        }
        for event in events {
            self.interfaces.entry(event.ifindex).or_insert_with_key(|index| {
                let name = if_indextoname(*index).ok().and_then(|name| name.into_string().ok());
                name.unwrap_or_else(|| format!("if{index}"))
            });
        }
    }

    /// The service with this number, if it still has it.
    fn service(&self, actual: &Actual, id: u32) -> Option<Endpoint> {
        let endpoint = self.services.get(&id)?;
        let holds = actual.services().get(endpoint).is_some_and(|service| service.id == id);
        holds.then_some(*endpoint)
    }

    /// What is told of an event.
    pub(super) fn packet(&self, actual: &Actual, event: &Event, missed: u64) -> TracedPacket {
        let Headers { vlans, protocol, addresses, ports, tcp_flags } = frame::read(event.bytes());
        let real = actual.slot(event.real);
        let is_real = event.real != NO_REAL && in_use(&real);
        let reason = Reason::ALL.get(event.reason as usize);
        let time = self.ahead + Duration::from_nanos(event.time);
        TracedPacket {
            time_ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            interface: self.interfaces.get(&event.ifindex).cloned().unwrap_or_default(),
            length: event.length,
            vlans,
            protocol,
            client: addresses.map(|(client, _)| client),
            client_port: ports.map(|(client, _)| client),
            vip: addresses.map(|(_, vip)| vip),
            port: ports.map(|(_, port)| port),
            tcp_flags,
            service: self.service(actual, event.service).map(|endpoint| endpoint.to_string()),
            real: is_real.then(|| address_of(&real)),
            verdict: reason.map_or("unknown", |reason| reason.verdict().name()).to_owned(),
            reason: reason.map_or("unknown", |reason| reason.name()).to_owned(),
            missed,
            frame: hexadecimal(event.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use lb_common::key::Protocol;
    use lb_common::trace::CAPTURE;
    use lb_common::value::{Real, Service, Tracking, real_flags};

    use super::*;
    use crate::reconcile::actual::address_bytes;
    use crate::reconcile::op::MapOp;

    const EVENT: Event = Event {
        time: 5,
        ifindex: 1,
        length: 60,
        reason: Reason::Transmitted as u32,
        service: 3,
        real: 9,
        captured: 0,
        frame: [0; CAPTURE],
    };

    fn endpoint(port: u16) -> Endpoint {
        let address = "192.0.2.10".parse().unwrap();
        Endpoint { protocol: Protocol::Tcp, address, port: port.into() }
    }

    fn actual(services: &[(Endpoint, u32)]) -> Actual {
        let mut actual = Actual::default();
        let service = |id| Service::new(id, Tracking::Changes, 0);
        let services = services.iter().map(|(endpoint, id)| (*endpoint, service(*id))).collect();
        actual.record(&MapOp::SetServices { services });
        let rip: IpAddr = "192.0.2.21".parse().unwrap();
        let (address, family) = address_bytes(rip);
        let flags = real_flags::IN_USE | real_flags::FORWARD | family;
        actual.record(&MapOp::PutReal {
            id: 9,
            real: Real { address, flags, service: 3, ..Real::default() },
        });
        actual
    }

    fn told(names: &mut Names, actual: &Actual, event: Event) -> TracedPacket {
        names.learn(actual, &[event]);
        names.packet(actual, &event, 0)
    }

    #[test]
    fn numbers_become_names() {
        let mut names = Names::new(Duration::from_secs(100));
        let packet = told(&mut names, &actual(&[(endpoint(80), 3)]), EVENT);
        assert_eq!(packet.service.as_deref(), Some("tcp 192.0.2.10:80"));
        assert_eq!(packet.real, Some("192.0.2.21".parse().unwrap()));
        assert_eq!((packet.verdict.as_str(), packet.reason.as_str()), ("tx", "forwarded"));
        assert_eq!((packet.time_ns, packet.interface.as_str()), (100_000_000_005, "lo"));
    }

    #[test]
    fn a_number_is_that_of_the_service_that_has_it_now() {
        let mut names = Names::new(Duration::ZERO);
        told(&mut names, &actual(&[(endpoint(80), 3)]), EVENT);
        let later = actual(&[(endpoint(81), 3), (endpoint(80), 4)]);
        let packet = told(&mut names, &later, EVENT);
        assert_eq!(packet.service.as_deref(), Some("tcp 192.0.2.10:81"));
        let packet = told(&mut names, &actual(&[]), EVENT);
        assert_eq!(packet.service, None);
    }

    #[test]
    fn what_the_program_did_not_find_has_no_name() {
        let mut names = Names::new(Duration::ZERO);
        let nobody = Event { service: NO_SERVICE, real: NO_REAL, reason: 9999, ..EVENT };
        let packet = told(&mut names, &actual(&[(endpoint(80), 3)]), nobody);
        assert_eq!((packet.service, packet.real), (None, None));
        assert_eq!(packet.reason, "unknown", "of a later program");
        let gone = Event { real: 8, ..EVENT };
        assert_eq!(told(&mut names, &actual(&[]), gone).real, None);
    }
}
