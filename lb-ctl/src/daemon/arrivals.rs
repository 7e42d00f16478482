//! What is heard of neighbours, on its way into the maps: what changes a real that forwards at once,
//! what is new in crowds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::core::Core;
use super::view;
use crate::dataplane::Dataplane;
use crate::neigh::table::Resolution;

/// The answers of neighbours are gathered until none has come for so long: each that is put into
/// effect by itself would be a change of rings that has to come to rest.
const LULL: Duration = Duration::from_millis(4);
/// And no longer than this after the first.
const LONGEST: Duration = Duration::from_millis(50);

/// What was heard and is not in effect yet.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    heard: BTreeMap<IpAddr, Resolution>,
    first: Option<Instant>,
    due: Option<Instant>,
}

impl Arrivals {
    /// When [`Core::take_in`] is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn hear(&mut self, changes: Vec<(IpAddr, Resolution)>, urgent: bool, now: Instant) {
        self.heard.extend(changes);
        let first = *self.first.get_or_insert(now);
        let due = if urgent { now } else { (now + LULL).min(first + LONGEST) };
        // What is due at once stays so.
        let is_due = self.due.is_some_and(|due| due <= now);
        self.due = if is_due { self.due } else { Some(due) };
    }
}

impl<D: Dataplane> Core<D> {
    /// Notes what became of the way to reals.
    pub(super) fn hear(&mut self, changes: Vec<(IpAddr, Resolution)>) {
        // Packets may be on their way to where it was.
        let urgent = changes.iter().any(|(address, _)| self.state.hop(*address).is_some());
        self.arrivals.hear(changes, urgent, Instant::now());
    }

    /// Brings what was heard of neighbours into the maps.
    pub(super) fn take_in(&mut self) {
        let heard = std::mem::take(&mut self.arrivals).heard;
        let rips: BTreeSet<IpAddr> = heard.keys().copied().collect();
        self.tell_of_ways(&heard);
        for (address, resolution) in heard {
            tracing::debug!("real {address}: {}", view::resolution(&resolution));
            // Probes of it go another way, or by an interface that they have not gone by.
            self.unsettled |= self.checks.is_astray(&resolution);
            self.state.resolve(address, resolution);
        }
        let services = self.state.services_with(&rips);
        self.follow_services(&services);
        self.probe_reached(&rips, &services);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neigh::table::Why;

    fn heard(last: u8) -> Vec<(IpAddr, Resolution)> {
        vec![([192, 0, 2, last].into(), Resolution::Unresolved(Why::NoRoute))]
    }

    #[test]
    fn answers_wait_for_a_lull_but_not_for_ever() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.due(), None);
        let begin = Instant::now();
        let mut now = begin;
        for last in 0..100 {
            arrivals.hear(heard(last), false, now);
            assert_eq!(arrivals.due(), Some((now + LULL).min(begin + LONGEST).max(begin)));
            if arrivals.due() <= Some(now) {
                break;
            }
            now += LULL / 2;
        }
        assert_eq!(now, begin + LONGEST);
        assert_eq!(arrivals.heard.len(), 26);
    }

    #[test]
    fn what_is_urgent_does_not_wait_for_what_comes_after() {
        let mut arrivals = Arrivals::default();
        let now = Instant::now();
        arrivals.hear(heard(1), false, now);
        arrivals.hear(heard(2), true, now);
        arrivals.hear(heard(3), false, now);
        assert_eq!(arrivals.due(), Some(now));
        arrivals.clear();
        assert_eq!(arrivals.due(), None);
    }
}
