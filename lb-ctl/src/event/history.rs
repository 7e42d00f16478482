//! The last events, in order. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Event, EventKind, Happening, RouterName};
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
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Those of this service, and those of its reals that are not of another service's.
    Service {
        /// What names it.
        endpoint: Endpoint,
        /// Its reals.
        reals: BTreeSet<IpAddr>,
    },
    /// Those of these virtual routers and groups.
    Routers(Vec<RouterName>),
}

impl Selection {
    /// Whether an event is asked for.
    pub fn takes(&self, event: &Event) -> bool {
        let what = &event.what;
        match self {
            Self::All => true,
            Self::Service { endpoint, reals } => match &what.service {
                Some(service) => service.endpoint == *endpoint,
                None => what.real.is_some_and(|real| reals.contains(&real)),
            },
            Self::Routers(names) => what.router.as_ref().is_some_and(|name| names.contains(name)),
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
            service: Some(ServiceName { endpoint: endpoint(port), name: None }),
            real: Some(real(last)),
            ..Happening::new(EventKind::RealDown, "")
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

        let reals = BTreeSet::from([real(21), real(22)]);
        let web = Selection::Service { endpoint: endpoint(80), reals };
        assert_eq!(numbers(&history.events(&web, None)), [1, 3, 5, 6]);
        assert_eq!(numbers(&history.events(&web, Some(2))), [5, 6]);
        let all = Selection::default();
        assert_eq!(numbers(&history.events(&all, Some(3))), [6, 7, 8]);
        assert_eq!(numbers(&history.events(&all, Some(100))), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(history.events(&all, Some(0)).is_empty());
    }

    #[test]
    fn those_of_a_virtual_router_and_its_group() {
        let mut history = History::default();
        let (one, group) =
            (RouterName::Instance("VG".to_owned()), RouterName::Group("VG".to_owned()));
        for router in [Some(one.clone()), Some(group.clone()), None] {
            history.note(UNIX_EPOCH, Happening { router, ..down(80, 21) });
        }
        let of =
            |names: Vec<RouterName>| numbers(&history.events(&Selection::Routers(names), None));
        assert_eq!(of(vec![one.clone()]), [1], "a group of the same name is another");
        assert_eq!(of(vec![one, group]), [1, 2]);
        assert!(of(vec![RouterName::Instance("VI_2".to_owned())]).is_empty());
    }
}
