//! Which entries another director is to be told of, and when. Pure.
//!
//! A ring tells where a flow goes, but for flows in slots that have changed hands; and where no
//! ring decides, since the scheduler is no hash or clients stay with their reals, the table is all
//! there is. What is new or has changed is told at once, all else again after a while, so that a
//! director that missed it learns it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use lb_common::details::{Details, Picking};
use lb_common::hash::slot;
use lb_common::ring::Slot;
use lb_common::value::{RealId, Service, TICK_SHIFT, Ticks, Tracking, connection_state as state};

use super::entry::{Entry, Name};
use crate::config::model::Endpoint;
use crate::dataplane::Tracked;
use crate::reconcile::actual::{Actual, address_of};
use crate::sched::ring::Ring;

/// After how many milliseconds everything is told again.
const AGAIN: u32 = 60_000;

/// The services some of whose entries no ring tells, and the reals, at one moment: to be compared
/// with the connection table on another thread.
#[derive(Clone, Debug)]
pub struct View {
    services: HashMap<Endpoint, Followed>,
    reals: HashMap<RealId, (u32, IpAddr)>,
    ring_slots: u32,
}

/// A service some of whose entries are told.
#[derive(Clone, Debug)]
struct Followed {
    service: Service,
    /// `None` where no ring decides.
    ring: Option<Ring>,
}

impl View {
    /// What `actual` says.
    pub fn of(actual: &Actual, ring_slots: u32) -> Self {
        let services = actual.services().iter();
        let services = services
            .filter_map(|(endpoint, service)| {
                let details = actual.details(service.id)?;
                Some((*endpoint, followed(*service, details, actual.ring(service.id))?))
            })
            .collect();
        let reals = actual.reals_in_use().filter(|(_, real)| real.forwards());
        let reals = reals.map(|(id, real)| (id, (real.generation, address_of(real)))).collect();
        Self { services, reals, ring_slots }
    }

    /// Whether rings tell everything.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// An entry as it is told, where it binds its flow to a real.
    fn entry(&self, tracked: &Tracked) -> Option<Entry> {
        let Tracked { protocol, client, vip, state, left, .. } = *tracked;
        let (generation, real) = *self.reals.get(&tracked.real)?;
        let entry = Entry { protocol, client, vip, real, state, left: milliseconds(left) };
        (generation == tracked.generation).then_some(entry)
    }
}

fn followed(service: Service, details: &Details, ring: Option<&Ring>) -> Option<Followed> {
    let decides = details.picking() == Picking::Hash && details.persistence == 0;
    match service.tracking() {
        Tracking::None => None,
        Tracking::Full if !decides => Some(Followed { service, ring: None }),
        Tracking::Full => Some(Followed { service, ring: Some(ring?.clone()) }),
        Tracking::Changes => {
            let ring = ring.filter(|ring| !ring.is_settled())?;
            Some(Followed { service, ring: Some(ring.clone()) })
        }
    }
}

/// Rings by the ids of their services, looked at once for many entries.
struct Rings<'a> {
    view: &'a View,
    slots: HashMap<u32, Cow<'a, [Slot]>>,
}

impl Rings<'_> {
    /// Whether another director's ring may send the flow of this entry elsewhere.
    fn differs(&mut self, entry: &Tracked) -> bool {
        let Some(Followed { service, ring }) = self.view.services.get(&entry.endpoint) else {
            return false;
        };
        let Some(ring) = ring else { return true };
        let count = self.view.ring_slots;
        let slots = self.slots.entry(service.id).or_insert_with(|| ring.slots(count));
        let found = slots.get(slot(entry.hash, count) as usize);
        found.is_none_or(|found| found.is_unsettled() || found.current() != entry.real)
    }
}

/// What was told, and what others have told.
#[derive(Clone, Debug, Default)]
pub struct Teller {
    told: HashMap<Name, Told>,
    /// Entries that were written here because another director told of them, with the time that
    /// they were given: while it is that, no packet of theirs has come this way.
    taken: HashMap<Name, Written>,
    walks: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    real: IpAddr,
    state: u32,
    /// Milliseconds that it had left.
    left: u32,
    at: Ticks,
    /// The last walk that met it.
    walk: u64,
}

#[derive(Clone, Copy, Debug)]
struct Written {
    seen: Ticks,
    walk: u64,
}

/// How much it matters that an entry is told now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Urgency {
    /// It is new, or has changed.
    News,
    /// It was told so many milliseconds ago; what was told longest ago comes first.
    Again(std::cmp::Reverse<u32>),
}

impl Teller {
    /// Forgets what was told and by whom: a director that has started anew has lost even what only
    /// it had seen packets of.
    pub fn forget(&mut self) {
        self.told.clear();
        self.taken.clear();
    }

    /// Notes that these entries were written, with these times, because another director told of
    /// them.
    pub fn note_taken(&mut self, written: impl IntoIterator<Item = (Name, Ticks)>) {
        let walk = self.walks;
        let written = written.into_iter().map(|(name, seen)| (name, Written { seen, walk }));
        self.taken.extend(written);
    }

    /// How many entries are here because another director told of them.
    pub fn taken(&self) -> usize {
        self.taken.len()
    }

    /// Those of the table's entries that are to be told now, the most urgent ones first and no more
    /// than `limit`. They are told from now on.
    pub fn select(
        &mut self,
        view: &View,
        table: &[Tracked],
        now: Ticks,
        limit: usize,
    ) -> Vec<Entry> {
        self.walks += 1;
        let mut rings = Rings { view, slots: HashMap::new() };
        let mut due = Vec::new();
        for tracked in table {
            let Some(entry) = view.entry(tracked) else { continue };
            if self.is_ours(&entry, tracked.seen) && rings.differs(tracked) {
                due.extend(self.urgency(&entry, now).map(|urgency| (urgency, entry)));
            }
        }
        let walk = self.walks;
        self.told.retain(|_, told| told.walk == walk);
        self.taken.retain(|_, written| written.walk == walk);
        due.sort_by_key(|(urgency, _)| *urgency);
        due.truncate(limit);
        let told = due.into_iter().map(|(_, entry)| entry);
        told.inspect(|entry| self.note_told(entry, now)).collect()
    }

    /// Whether a packet of this entry has come this way since another director told of it.
    fn is_ours(&mut self, entry: &Entry, seen: Ticks) -> bool {
        let Some(written) = self.taken.get_mut(&entry.name()) else { return true };
        if written.seen == seen {
            written.walk = self.walks;
        }
        written.seen != seen
    }

    /// How urgent an entry is; `None` where what was told of it does.
    fn urgency(&mut self, entry: &Entry, now: Ticks) -> Option<Urgency> {
        let Some(told) = self.told.get_mut(&entry.name()) else {
            // It may be half of a flood; and what has ended need not be known.
            let matters = !matches!(entry.state, state::SYN_RECEIVED | state::CLOSED);
            return matters.then_some(Urgency::News);
        };
        told.walk = self.walks;
        let since = milliseconds(now.wrapping_sub(told.at));
        let there = told.left.saturating_sub(since);
        let is_other = told.real != entry.real || told.state != entry.state;
        // It would be forgotten there long before it is here.
        if is_other || there < entry.left / 2 {
            return Some(Urgency::News);
        }
        (since >= AGAIN).then_some(Urgency::Again(std::cmp::Reverse(since)))
    }

    fn note_told(&mut self, entry: &Entry, now: Ticks) {
        let Entry { real, state, left, .. } = *entry;
        let told = Told { real, state, left, at: now, walk: self.walks };
        self.told.insert(entry.name(), told);
    }
}

/// The milliseconds that whole ticks can be made of again.
fn milliseconds(ticks: Ticks) -> u32 {
    let exact = (u64::from(ticks) << TICK_SHIFT).div_ceil(1_000_000);
    u32::try_from(exact).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
