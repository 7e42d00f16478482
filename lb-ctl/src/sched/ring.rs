//! How a ring changes without moving a flow whose real is alive. Pure.
//!
//! A slot that a change gives to another real keeps the old one as its origin until every flow from
//! before must have shown itself: unsettled. Then it is marked while the connection table holds
//! flows of it that are elsewhere, and settled when there are none.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use lb_common::ring::Slot;
use lb_common::value::{NO_REAL, RealId, Ticks};

use super::maglev::{self, Member};

/// A service's ring.
#[derive(Clone, Debug)]
pub struct Ring {
    /// What it was filled from; not known of one that an earlier daemon left.
    members: Option<Arc<[Member]>>,
    /// Its slots, where they are not just what the members fill.
    moves: Option<Arc<Moves>>,
}

#[derive(Debug)]
struct Moves {
    slots: Vec<Slot>,
    /// Since when each slot has been unsettled; one for all where it is the same, as it is after
    /// the first change; empty where none is.
    since: Vec<Ticks>,
    /// Who is origin of unsettled slots.
    origins: BTreeSet<RealId>,
    census: Census,
}

/// How many slots of a ring are on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Flows from before the change may not all be recorded yet.
    pub unsettled: usize,
    /// Flows that were recorded may still be elsewhere.
    pub marked: usize,
}

impl Moves {
    fn new(slots: Vec<Slot>, since: Vec<Ticks>) -> Self {
        let unsettled = || slots.iter().enumerate().filter(|(_, slot)| slot.is_unsettled());
        let origins: BTreeSet<RealId> = unsettled().map(|(_, slot)| slot.origin()).collect();
        let count = unsettled().count();
        let marked = slots.iter().filter(|slot| !slot.is_settled()).count() - count;
        let mut begun = unsettled().filter_map(|(index, _)| at(&since, index));
        let first = begun.next();
        let alike = begun.all(|other| Some(other) == first);
        let since = if alike { Vec::from_iter(first) } else { since };
        Self { census: Census { unsettled: count, marked }, origins, since, slots }
    }

    fn since(&self, index: usize) -> Option<Ticks> {
        at(&self.since, index)
    }
}

/// The time of the slot with this index.
fn at(since: &[Ticks], index: usize) -> Option<Ticks> {
    if let [all] = since { Some(*all) } else { since.get(index).copied() }
}

impl Ring {
    /// A ring that moves nothing: there were no flows before it, or none that matter.
    pub fn settled(members: Vec<Member>) -> Self {
        Self { members: Some(members.into()), moves: None }
    }

    /// A ring that an earlier daemon left. How long its unsettled slots have been that is not
    /// known: they begin to wait anew.
    pub fn inherited(slots: Vec<Slot>, now: Ticks) -> Self {
        let since = vec![now; slots.len()];
        Self { members: None, moves: Some(Arc::new(Moves::new(slots, since))) }
    }

    fn with(members: Option<Arc<[Member]>>, slots: Vec<Slot>, since: Vec<Ticks>) -> Self {
        let moves = Moves::new(slots, since);
        let is_fill = members.is_some() && moves.census == Census::default();
        Self { members, moves: (!is_fill).then(|| Arc::new(moves)) }
    }

    /// What stands in its slots, of which there are `count`.
    pub fn slots(&self, count: u32) -> Cow<'_, [Slot]> {
        match &self.moves {
            Some(moves) => Cow::Borrowed(&moves.slots),
            None => Cow::Owned(self.fill(count).map(Slot::settled).collect()),
        }
    }

    fn fill(&self, count: u32) -> impl Iterator<Item = RealId> + use<> {
        fill(self.members.as_deref().unwrap_or_default(), count)
    }

    /// How many slots are on their way.
    pub fn census(&self) -> Census {
        self.moves.as_ref().map(|moves| moves.census).unwrap_or_default()
    }

    /// Whether no slot is on its way.
    pub fn is_settled(&self) -> bool {
        self.census() == Census::default()
    }

    /// Whether flows from before a change may go to this real that the ring gives to others.
    pub fn is_origin(&self, real: RealId) -> bool {
        self.moves.as_ref().is_some_and(|moves| moves.origins.contains(&real))
    }

    /// Whether nobody has any of it, nor had.
    pub fn is_empty(&self) -> bool {
        match (&self.moves, &self.members) {
            (Some(moves), _) => moves.slots.iter().all(|slot| slot.is_empty()),
            (None, members) => members.as_ref().is_none_or(|members| members.is_empty()),
        }
    }

    /// Whether going over to these members changes nothing.
    pub fn stands(&self, members: &[Member], alive: impl Fn(RealId) -> bool) -> bool {
        self.members.as_deref() == Some(members)
            && self.moves.as_ref().is_none_or(|moves| moves.origins.iter().all(|id| alive(*id)))
    }

    /// The ring after a change. A slot that goes to another real keeps its origin where that is
    /// alive; the flows of one that is not are lost in any case.
    #[must_use]
    pub fn advance(
        &self,
        members: Vec<Member>,
        alive: impl Fn(RealId) -> bool,
        now: Ticks,
        count: u32,
    ) -> Self {
        let mut since = vec![now; count as usize];
        let before = self.slots(count);
        let next = fill(&members, count).zip(before.iter()).enumerate();
        let slots = next
            .map(|(index, (current, before))| {
                let after = moved(*before, current, &alive);
                if before.is_unsettled() && after.is_unsettled() {
                    let known = self.moves.as_ref().and_then(|moves| moves.since(index));
                    since[index] = known.unwrap_or(now);
                }
                after
            })
            .collect();
        Self::with(Some(members.into()), slots, since)
    }

    /// The ring with every slot marked: any flow may be in the table, and elsewhere.
    #[must_use]
    pub fn marked(&self, count: u32) -> Self {
        let slots = self.slots(count);
        let marked = |slot: &Slot| if slot.is_unsettled() { *slot } else { slot.marked() };
        let since = self.moves.as_ref().map(|moves| moves.since.clone()).unwrap_or_default();
        Self::with(self.members.clone(), slots.iter().map(marked).collect(), since)
    }

    /// The ring with these slots marked, where they are settled: entries come into the table that
    /// give flows of theirs to others. `None` where none is settled.
    pub fn with_marks(&self, indices: &BTreeSet<u32>, count: u32) -> Option<Self> {
        let mut slots = self.slots(count).into_owned();
        let mut changed = false;
        for index in indices {
            let Some(slot) = slots.get_mut(*index as usize) else { continue };
            if slot.is_settled() {
                *slot = slot.marked();
                changed = true;
            }
        }
        let moves = self.moves.as_ref();
        // One time for all stands for those that were unsettled, and these stay as they are.
        let since = moves.map(|moves| moves.since.clone()).unwrap_or_default();
        changed.then(|| Self::with(self.members.clone(), slots, since))
    }

    /// The ring with those slots marked that have been unsettled for `idle` or longer. `None` where
    /// there are none.
    pub fn settle(&self, idle: Ticks, now: Ticks) -> Option<Self> {
        let moves = self.moves.as_ref()?;
        let due = |(index, slot): (usize, &Slot)| {
            slot.is_unsettled()
                && moves.since(index).is_some_and(|since| now.wrapping_sub(since) >= idle)
        };
        if !moves.slots.iter().enumerate().any(due) {
            return None;
        }
        let settled = moves.slots.iter().enumerate();
        let settled =
            settled.map(|(index, slot)| if due((index, slot)) { slot.marked() } else { *slot });
        Some(Self::with(self.members.clone(), settled.collect(), moves.since.clone()))
    }

    /// The ring with all marks taken away but those of `busy` slots. `None` where none can be.
    pub fn release(&self, busy: &HashSet<u32>) -> Option<Self> {
        let moves = self.moves.as_ref()?;
        let free = |(index, slot): (usize, &Slot)| {
            !slot.is_settled() && !slot.is_unsettled() && !busy.contains(&(index as u32))
        };
        if !moves.slots.iter().enumerate().any(free) {
            return None;
        }
        let released = moves.slots.iter().enumerate().map(|(index, slot)| {
            if free((index, slot)) { Slot::settled(slot.current()) } else { *slot }
        });
        Some(Self::with(self.members.clone(), released.collect(), moves.since.clone()))
    }
}

/// Two rings are the same where they share what they are made of, or hold the same.
impl PartialEq for Ring {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Arc<Moves>, b: &Arc<Moves>| {
            Arc::ptr_eq(a, b) || (a.slots == b.slots && a.since == b.since)
        };
        self.members == other.members
            && match (&self.moves, &other.moves) {
                (Some(a), Some(b)) => same(a, b),
                (None, None) => true,
                _ => false,
            }
    }
}

impl Eq for Ring {}

fn fill(members: &[Member], count: u32) -> impl Iterator<Item = RealId> + use<> {
    let mut filled = maglev::fill(members, count);
    filled.resize(count as usize, NO_REAL);
    filled.into_iter()
}

fn moved(before: Slot, current: RealId, alive: &impl Fn(RealId) -> bool) -> Slot {
    let origin = before.origin();
    if origin != current && origin != NO_REAL && alive(origin) {
        Slot::moving(origin, current)
    } else if before.is_settled() {
        Slot::settled(current)
    } else {
        Slot::settled(current).marked()
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
