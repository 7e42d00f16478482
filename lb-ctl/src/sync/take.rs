//! What becomes of entries that another director tells of. Pure but for the table, which is behind
//! a trait.
//!
//! An entry whose place is free is written. Where an entry of our own lives, the one whose last
//! packet is the later stays: that is ours while packets come this way, and the other's while they
//! do not, whoever of the two is master.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use lb_common::hash::slot;
use lb_common::ring::Slot;
use lb_common::timeout::age;
use lb_common::value::{Connection, RealId, TICK_SHIFT, Ticks, Tracking, connection_state};

use super::entry::{Entry, Name};
use crate::dataplane::flow::Flow;
use crate::dataplane::keeping::{Keeping, Kept};
use crate::dataplane::{DataplaneError, EditConnections, Place};
use crate::reconcile::actual::{Actual, in_use};

/// Why an entry is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// There is no service here that it could belong to.
    NoService,
    /// The service here keeps no such entries.
    NotKept,
    /// The service here has no such real.
    NoReal,
    /// The real cannot be reached from here.
    RealDown,
    /// What stands here is as new, and says otherwise.
    Older,
    /// As many have been taken as the table can hold.
    Full,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NoService, Self::NotKept, Self::NoReal, Self::RealDown, Self::Older, Self::Full];

    /// The word of status and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoService => "no-service",
            Self::NotKept => "not-kept",
            Self::NoReal => "no-real",
            Self::RealDown => "real-down",
            Self::Older => "older",
            Self::Full => "full",
        }
    }
}

/// What is known here of services and reals.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The services.
    pub keeping: &'a Keeping,
    /// What the maps hold.
    pub actual: &'a Actual,
    /// The seed of the flow hash.
    pub seed: u64,
    /// Slots of a ring.
    pub ring_slots: u32,
}

/// What became of entries.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Those that stand in the table now, and since when they are said to be there.
    pub written: Vec<(Name, Ticks)>,
    /// Slots that are to ask the table, by the ids of their services.
    pub slots: BTreeMap<u32, BTreeSet<u32>>,
    /// How many were refused, in the order of [`Refusal::ALL`].
    pub refused: [u64; Refusal::ALL.len()],
}

impl Taken {
    /// Whether some were refused that could be used once the definitions or the reals are others.
    pub fn lacks(&self) -> bool {
        let lasting = |refusal: Refusal| {
            matches!(refusal, Refusal::NoService | Refusal::NoReal | Refusal::RealDown)
        };
        let mut refused = Refusal::ALL.into_iter().zip(self.refused);
        refused.any(|(refusal, count)| count > 0 && lasting(refusal))
    }

    fn refuse(&mut self, refusal: Refusal) {
        let place = Refusal::ALL.iter().position(|each| *each == refusal).unwrap_or_default();
        self.refused[place] += 1;
    }
}

/// Writes entries into the table, no more than there is `room` for.
///
/// # Errors
///
/// Where the table refuses; those before it were written.
pub fn take(
    world: World<'_>,
    table: &mut dyn EditConnections,
    entries: &[Entry],
    now: Ticks,
    room: usize,
) -> Result<Taken, DataplaneError> {
    let mut taken = Taken::default();
    let mut rings = Rings { world, slots: HashMap::new() };
    for entry in entries {
        if taken.written.len() >= room {
            taken.refuse(Refusal::Full);
            continue;
        }
        match world.lower(entry, now) {
            Ok(lowered) => write(&mut taken, &mut rings, table, (entry, lowered), now)?,
            Err(refusal) => taken.refuse(refusal),
        }
    }
    Ok(taken)
}

fn write(
    taken: &mut Taken,
    rings: &mut Rings<'_>,
    table: &mut dyn EditConnections,
    (entry, Lowered { flow, kept, told }): (&Entry, Lowered<'_>),
    now: Ticks,
) -> Result<(), DataplaneError> {
    let present = table.entry(&flow)?;
    let stays = present.filter(|present| {
        rings.world.lives(kept, present, now) && age(present.seen, now) <= age(told.seen, now)
    });
    let owner = stays.map_or(told.real, |present| present.real);
    if let Some(index) = rings.must_ask(kept, &flow, owner) {
        taken.slots.entry(kept.service.id).or_default().insert(index);
    }
    if stays.is_some_and(|present| present.real == told.real) {
        // It is known here: everything is told again each minute.
        return Ok(());
    }
    let place = if present.is_some() { Place::Taken } else { Place::Free };
    // Where a packet was quicker, what it made stays.
    if stays.is_none() && table.put(&flow, told, place)? {
        taken.written.push((entry.name(), told.seen));
    } else {
        taken.refuse(Refusal::Older);
    }
    Ok(())
}

/// An entry as it would stand in the table here.
struct Lowered<'a> {
    flow: Flow,
    kept: &'a Kept,
    told: Connection,
}

impl<'a> World<'a> {
    fn lower(&self, entry: &Entry, now: Ticks) -> Result<Lowered<'a>, Refusal> {
        let flow = entry.flow().ok_or(Refusal::NoService)?;
        let kept = self.keeping.service_of_flow(&flow).ok_or(Refusal::NoService)?;
        let template = entry.state == connection_state::TEMPLATE;
        let tracking = kept.service.tracking();
        if tracking == Tracking::None || (template && kept.details.persistence == 0) {
            return Err(Refusal::NotKept);
        }
        let real = self.actual.real(kept.service.id, entry.real);
        let (id, real) = real.ok_or(Refusal::NoReal)?;
        if !real.forwards() {
            return Err(Refusal::RealDown);
        }
        let after = kept.after(entry.state);
        let left = ticks(entry.left).min(after);
        let seen = now.wrapping_sub(after - left);
        let (generation, state) = (real.generation, entry.state);
        Ok(Lowered { flow, kept, told: Connection { real: id, generation, seen, state } })
    }

    /// Whether an entry here still binds its flow to a real.
    fn lives(&self, kept: &Kept, entry: &Connection, now: Ticks) -> bool {
        let real = self.actual.slot(entry.real);
        in_use(&real)
            && real.forwards()
            && real.generation == entry.generation
            && kept.left(entry, now).is_some()
    }
}

/// Rings by the ids of their services, looked at once for many entries.
struct Rings<'a> {
    world: World<'a>,
    slots: HashMap<u32, Option<Cow<'a, [Slot]>>>,
}

impl Rings<'_> {
    /// The slot of a flow that is with this real, where the slot would send it elsewhere without
    /// asking the table. What every packet asks the table for needs no mark.
    fn must_ask(&mut self, kept: &Kept, flow: &Flow, owner: RealId) -> Option<u32> {
        let World { actual, seed, ring_slots, .. } = self.world;
        if kept.service.tracking() != Tracking::Changes {
            return None;
        }
        let id = kept.service.id;
        let read = || actual.ring(id).map(|ring| ring.slots(ring_slots));
        let slots = self.slots.entry(id).or_insert_with(read).as_ref();
        let index = slot(kept.hash_of_flow(seed, flow), ring_slots);
        // Where nobody takes new flows there may be no ring at all.
        let found = slots.and_then(|slots| slots.get(index as usize)).copied().unwrap_or_default();
        (found.is_settled() && found.current() != owner).then_some(index)
    }
}

/// Whole ticks.
const fn ticks(milliseconds: u32) -> Ticks {
    ((milliseconds as u64 * 1_000_000) >> TICK_SHIFT) as Ticks
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
