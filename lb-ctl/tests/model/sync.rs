//! What a director in memory tells another one, and takes from it.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use lb_common::budget::Budget;
use lb_common::value::Connection;
use lb_ctl::dataplane::flow::Flow;
use lb_ctl::dataplane::keeping::Keeping;
use lb_ctl::dataplane::{DataplaneError, EditConnections, Place};
use lb_ctl::reconcile::settle;
use lb_ctl::sync::entry::Entry;
use lb_ctl::sync::select::View;
use lb_ctl::sync::take::{World, take};
use xdp_prog::memory::MemoryTables;

use super::{Director, SLOTS};

impl Director {
    /// May record as many flows as there are.
    pub(crate) fn record_all(&mut self) {
        self.tables.budget.set(Budget::of(u32::MAX / 4, u32::MAX / 2));
    }

    /// Counts its services as such that may have flows it has not seen.
    pub(crate) fn carry(&mut self) {
        let services = self.actual.services().values();
        self.settling.assume_carried(services.map(|service| service.id));
    }

    /// What another director is to be told now.
    pub(crate) fn tell(&mut self) -> Vec<Entry> {
        let view = View::of(&self.actual, SLOTS);
        let (table, now) = (self.connections(), self.now());
        self.teller.select(&view, &table, now, usize::MAX)
    }

    /// Takes what another director tells.
    pub(crate) fn take(&mut self, entries: &[Entry]) {
        let keeping = Keeping::of(&self.actual);
        let (seed, now) = (self.tables.seed, self.now());
        let world = World { keeping: &keeping, actual: &self.actual, seed, ring_slots: SLOTS };
        let taken = take(world, &mut Table(&mut self.tables), entries, now, usize::MAX);
        let taken = taken.expect("memory does not fail");
        self.teller.note_taken(taken.written);
        let ops = settle::mark(&self.actual, &taken.slots, SLOTS);
        self.run(&ops);
    }
}

struct Table<'a>(&'a mut MemoryTables);

impl EditConnections for Table<'_> {
    fn entry(&self, flow: &Flow) -> Result<Option<Connection>, DataplaneError> {
        let Self(tables) = self;
        Ok(match flow {
            Flow::V4(flow) => tables.v4.connections.borrow().get(flow).map(|entry| entry.get()),
            Flow::V6(flow) => tables.v6.connections.borrow().get(flow).map(|entry| entry.get()),
        })
    }

    fn put(
        &mut self,
        flow: &Flow,
        entry: Connection,
        place: Place,
    ) -> Result<bool, DataplaneError> {
        let Self(tables) = self;
        Ok(match flow {
            Flow::V4(flow) => put(tables.v4.connections.get_mut(), *flow, entry, place),
            Flow::V6(flow) => put(tables.v6.connections.get_mut(), *flow, entry, place),
        })
    }
}

fn put<K: Eq + Hash>(
    connections: &mut HashMap<K, Rc<Cell<Connection>>>,
    key: K,
    entry: Connection,
    place: Place,
) -> bool {
    let fits = connections.contains_key(&key) == (place == Place::Taken);
    if fits {
        connections.insert(key, Rc::new(Cell::new(entry)));
    }
    fits
}
