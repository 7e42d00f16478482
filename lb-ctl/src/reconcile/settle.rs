//! How a ring that has changed comes to rest: slots settle when every flow from before the change
//! must have shown itself, and lose their marks when the connection table holds none of their flows
//! elsewhere. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lb_common::hash::slot;
use lb_common::value::{RealId, Service, Ticks, Tracking, ticks_from_secs};

use super::actual::Actual;
use super::op::MapOp;
use crate::config::model::Endpoint;
use crate::dataplane::Tracked;
use crate::sched::ring::Ring;

/// What a service's counters say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// Packets forwarded.
    pub forwarded: u64,
    /// Packets of flows that should have been recorded and could not.
    pub deferred: u64,
}

/// Follows the services whose rings are on their way.
#[derive(Clone, Debug, Default)]
pub struct Settling {
    pressure: HashMap<u32, Pressure>,
    /// Services whose counters do not tell whether they ever forwarded anything.
    carried: HashSet<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pressure {
    deferred: u64,
    /// When the count was last seen to have grown.
    grown: Option<Ticks>,
}

/// How long after its change a slot settles: a little more than the idle timeout, since a ring is
/// in place only some time after it was planned.
pub fn patience(idle: Ticks) -> Ticks {
    idle + ticks_from_secs(1).max(idle / 16)
}

impl Settling {
    /// Notes that these services may have forwarded packets that their counters do not show.
    pub fn assume_carried(&mut self, services: impl IntoIterator<Item = u32>) {
        self.carried.extend(services);
    }

    /// The slots that settle now. `observe` reads a service's counters.
    ///
    /// Flows that could not be recorded are with the origins of their slots, as long as those are
    /// unsettled: while there are such flows the ring waits. A service that has forwarded nothing
    /// has no flows to wait for.
    ///
    /// # Errors
    ///
    /// What `observe` fails with.
    pub fn step<E>(
        &mut self,
        actual: &Actual,
        mut observe: impl FnMut(u32) -> Result<Observed, E>,
        now: Ticks,
    ) -> Result<Vec<MapOp>, E> {
        let mut ops = Vec::new();
        let mut waiting = HashSet::new();
        for service in actual.services().values() {
            let Some(ring) = actual.ring(service.id) else { continue };
            if ring.census().unsettled == 0 {
                continue;
            }
            waiting.insert(service.id);
            let observed = observe(service.id)?;
            let virgin = observed.forwarded == 0 && !self.carried.contains(&service.id);
            let quiet = self.quiet_for(service.id, observed.deferred, now);
            let Some(details) = actual.details(service.id) else { continue };
            let patience = patience(details.timeouts.longest());
            let settled = if virgin {
                ring.settle(0, now)
            } else if quiet.is_none_or(|quiet| quiet >= patience) {
                ring.settle(patience, now)
            } else {
                None
            };
            ops.extend(settled.map(|ring| MapOp::PutRing { service: service.id, ring }));
        }
        self.pressure.retain(|id, _| waiting.contains(id));
        Ok(ops)
    }

    /// For how long no flow of a service has failed to be recorded; `None` where none ever did.
    fn quiet_for(&mut self, service: u32, deferred: u64, now: Ticks) -> Option<Ticks> {
        let pressure = self.pressure.entry(service).or_default();
        // When what is found at the first look came about is not known: it may have been just now.
        if pressure.deferred != deferred {
            *pressure = Pressure { deferred, grown: Some(now) };
        }
        pressure.grown.map(|grown| now.wrapping_sub(grown))
    }
}

/// The rings that have marks, and who is alive, at one moment: to be compared with the connection
/// table on another thread.
#[derive(Clone, Debug)]
pub struct Marks {
    rings: HashMap<Endpoint, (Service, Ring)>,
    alive: HashMap<RealId, u32>,
    ring_slots: u32,
}

/// A ring that loses marks.
#[derive(Clone, Debug)]
pub struct Release {
    service: u32,
    before: Ring,
    after: Ring,
}

impl Marks {
    /// `None` where no ring has marks.
    pub fn of(actual: &Actual, ring_slots: u32) -> Option<Self> {
        let services = actual.services().iter();
        let rings: HashMap<_, _> = services
            .filter_map(|(endpoint, service)| {
                let ring = actual.ring(service.id)?;
                (ring.census().marked > 0).then(|| (*endpoint, (*service, ring.clone())))
            })
            .collect();
        let reals = actual.reals_in_use().filter(|(_, real)| real.forwards());
        let alive = reals.map(|(id, real)| (id, real.generation)).collect();
        (!rings.is_empty()).then_some(Self { rings, alive, ring_slots })
    }

    /// What can be released, as these entries of the connection table say.
    pub fn compare(&self, entries: &[Tracked]) -> Vec<Release> {
        let mut busy: HashMap<u32, HashSet<u32>> = HashMap::new();
        let mut slots: HashMap<u32, std::borrow::Cow<'_, [_]>> = HashMap::new();
        for entry in entries {
            let Some((service, ring)) = self.rings.get(&entry.endpoint) else { continue };
            let lives = self.alive.get(&entry.real) == Some(&entry.generation);
            // Where every flow is recorded, the table is asked whatever the slot says.
            if !lives || entry.is_template() || service.tracking() == Tracking::Full {
                continue;
            }
            let slots = slots.entry(service.id).or_insert_with(|| ring.slots(self.ring_slots));
            let index = slot(entry.hash, self.ring_slots);
            if slots[index as usize].current() != entry.real {
                busy.entry(service.id).or_default().insert(index);
            }
        }
        let none = HashSet::new();
        let rings = self.rings.values();
        rings
            .filter_map(|(service, before)| {
                let after = before.release(busy.get(&service.id).unwrap_or(&none))?;
                Some(Release { service: service.id, before: before.clone(), after })
            })
            .collect()
    }
}

/// The operations that carry out what was found: rings that have changed since are left alone.
pub fn release(actual: &Actual, releases: Vec<Release>) -> Vec<MapOp> {
    let unchanged = releases.into_iter().filter(|r| actual.ring(r.service) == Some(&r.before));
    unchanged
        .map(|Release { service, after, .. }| {
            if after.is_empty() {
                MapOp::RemoveRing { service }
            } else {
                MapOp::PutRing { service, ring: after }
            }
        })
        .collect()
}

/// The operations that mark these slots, by the ids of their services, where nothing says yet that
/// the connection table is to be asked: flows of theirs come into it that are elsewhere.
pub fn mark(actual: &Actual, slots: &BTreeMap<u32, BTreeSet<u32>>, ring_slots: u32) -> Vec<MapOp> {
    let marked = slots.iter().filter_map(|(service, indices)| {
        // Without anybody to take new flows, a service may have no ring.
        let nobody = || Ring::settled(Vec::new());
        let ring = actual.ring(*service).cloned().unwrap_or_else(nobody);
        let ring = ring.with_marks(indices, ring_slots)?;
        Some(MapOp::PutRing { service: *service, ring })
    });
    marked.collect()
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
