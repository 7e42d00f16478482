//! The last events, in order. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Event, EventKind, Happening};
use crate::config::model::Endpoint;

/// How many events are kept.
pub const ROOM: usize = 10_000;

/// The last [`ROOM`] events.
#[derive(Debug, Default)]
pub struct History {
    events: VecDeque<Arc<Event>>,
    /// The number of the last one.
    last: u64,
    counts: BTreeMap<EventKind, u64>,
}

impl History {
    /// Notes what happened, and forgets the oldest event where there is no more room.
    pub fn note(&mut self, at: SystemTime, what: Happening) -> Arc<Event> {
        self.last += 1;
        *self.counts.entry(what.kind).or_default() += 1;
        let event = Arc::new(Event { seq: self.last, at, what: what.bounded() });
        if self.events.len() == ROOM {
            self.events.pop_front();
        }
        self.events.push_back(Arc::clone(&event));
        event
    }

    /// The events that are asked for, the oldest first; the last `count` of them where it is given.
    pub fn events(&self, selection: &Selection, count: Option<usize>) -> Vec<Arc<Event>> {
        let chosen = self.events.iter().rev().filter(|event| selection.takes(event));
        let mut chosen: Vec<_> = chosen.take(count.unwrap_or(ROOM)).cloned().collect();
        chosen.reverse();
        chosen
    }

    /// How many events of each kind there were, those that are forgotten too.
    pub fn counts(&self) -> impl Iterator<Item = (EventKind, u64)> {
        let count = |kind: &EventKind| (*kind, self.counts.get(kind).copied().unwrap_or_default());
        EventKind::ALL.iter().map(count)
    }
}

/// Which events are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    only: Option<Endpoint>,
    reals: BTreeSet<IpAddr>,
}

impl Selection {
    /// Those of this service, and those of its reals that are not of another service's.
    pub fn of_service(endpoint: Endpoint, reals: BTreeSet<IpAddr>) -> Self {
        Self { only: Some(endpoint), reals }
    }

    /// Whether an event is asked for.
    pub fn takes(&self, event: &Event) -> bool {
        let Some(only) = self.only else { return true };
        match &event.what.service {
            Some(service) => service.endpoint == only,
            None => event.what.real.is_some_and(|real| self.reals.contains(&real)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use lb_common::key::Protocol;

    use super::super::ServiceName;
    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        let address = "192.0.2.10".parse().unwrap();
        Endpoint { protocol: Protocol::Tcp, address, port: port.into() }
    }

    fn real(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn down(port: u16, last: u8) -> Happening {
        Happening {
            kind: EventKind::RealDown,
            service: Some(ServiceName { endpoint: endpoint(port), name: None }),
            real: Some(real(last)),
            message: String::new(),
        }
    }

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn the_oldest_are_forgotten_and_numbers_go_on() {
        let mut history = History::default();
        let more = 5;
        for _ in 0..ROOM + more {
            history.note(UNIX_EPOCH, down(80, 21));
        }
        let kept = numbers(&history.events(&Selection::default(), None));
        assert_eq!(kept, (more as u64 + 1..=(ROOM + more) as u64).collect::<Vec<_>>());
        let counts: Vec<_> = history.counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [(EventKind::RealDown, (ROOM + more) as u64)]);
        assert_eq!(history.counts().count(), EventKind::ALL.len(), "none is left out");
    }

    #[test]
    fn the_last_of_those_asked_for() {
        let mut history = History::default();
        for (port, last) in [(80, 21), (443, 21), (80, 22), (443, 22), (80, 23)] {
            history.note(UNIX_EPOCH, down(port, last));
        }
        let lost = Happening { service: None, kind: EventKind::RealUnresolved, ..down(80, 22) };
        history.note(UNIX_EPOCH, lost.clone());
        history.note(UNIX_EPOCH, Happening { real: Some(real(99)), ..lost.clone() });
        history.note(UNIX_EPOCH, Happening { real: None, ..lost });

        let web = Selection::of_service(endpoint(80), BTreeSet::from([real(21), real(22)]));
        assert_eq!(numbers(&history.events(&web, None)), [1, 3, 5, 6]);
        assert_eq!(numbers(&history.events(&web, Some(2))), [5, 6]);
        let all = Selection::default();
        assert_eq!(numbers(&history.events(&all, Some(3))), [6, 7, 8]);
        assert_eq!(numbers(&history.events(&all, Some(100))), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(history.events(&all, Some(0)).is_empty());
    }
}
