//! Connections that are told to other directors, and taken from them: the walk through the table
//! that finds what is to be told runs on another thread.

use std::sync::Arc;
use std::time::Duration;

use lb_common::value::Ticks;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::core::{Core, failed};
use crate::command::CommandError;
use crate::config::vrrp::Sync;
use crate::dataplane::keeping::Keeping;
use crate::dataplane::{Dataplane, DataplaneError, ReadConnections};
use crate::reconcile::op::MapOp;
use crate::reconcile::settle;
use crate::sync::carry::{Carried, LOOK_EACH};
use crate::sync::driver::{Driver, ENTRIES_PER_SECOND, Heard};
use crate::sync::entry::Entry;
use crate::sync::select::{Teller, View};
use crate::sync::take::{self, Refusal, World};

/// What is new is told after so long at most, where a walk through the table is quick.
const EACH: Duration = Duration::from_millis(500);
/// The walk through the table may take this share of the time.
const WALKS_SHARE: u32 = 10;
/// How long until it is looked again whether all that waits has been told.
const SOON: Duration = Duration::from_millis(50);
/// No more than may be told in so many seconds is looked out at once.
const LONGEST: u128 = 10;

/// What a walk through the table has found to tell.
#[derive(Debug)]
pub(super) struct Selected {
    teller: Teller,
    entries: Result<Vec<Entry>, DataplaneError>,
    took: Duration,
}

/// What passes between this director and others.
pub(super) struct Syncing {
    /// Speaks, and what it was told to.
    speaking: Option<(Sync, Driver)>,
    /// What was told; `None` while a walk has it.
    teller: Option<Teller>,
    /// A director is there that may lack anything, since that walk began.
    fresh: bool,
    next_walk: Instant,
    last_walk: Instant,
    /// The services, until they change.
    keeping: Option<Arc<Keeping>>,
    /// The services that others may have flows of.
    carried: Carried,
    next_look: Instant,
    /// Others have told what could not be used.
    lacks: bool,
    taken: u64,
    refused: [u64; Refusal::ALL.len()],
    selected: mpsc::Sender<Selected>,
    heard: mpsc::Sender<Heard>,
}

impl Syncing {
    /// Tells `selected` what walks find, and `heard` what others tell.
    pub(super) fn new(selected: mpsc::Sender<Selected>, heard: mpsc::Sender<Heard>) -> Self {
        let now = Instant::now();
        Self {
            speaking: None,
            teller: Some(Teller::default()),
            fresh: false,
            next_walk: now,
            last_walk: now,
            keeping: None,
            carried: Carried::default(),
            next_look: now,
            lacks: false,
            taken: 0,
            refused: [0; Refusal::ALL.len()],
            selected,
            heard,
        }
    }

    /// What it speaks by, and what it was told to.
    pub(super) fn speaking(&self) -> Option<(&Sync, &Driver)> {
        self.speaking.as_ref().map(|(config, driver)| (config, driver))
    }

    /// How many entries were taken since the daemon started.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// How many were not, and why.
    pub(super) fn refused(&self) -> impl Iterator<Item = (Refusal, u64)> {
        Refusal::ALL.into_iter().zip(self.refused)
    }

    /// When [`Core::tell_directors`] is to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        let (_, driver) = self.speaking.as_ref()?;
        self.teller.as_ref()?;
        let soonest = if driver.is_idle() { self.next_walk } else { Instant::now() + SOON };
        Some(soonest.max(self.next_walk))
    }

    /// Whether what others tell can be taken in: a walk that is under way would not know of it.
    pub(super) fn can_take(&self) -> bool {
        self.teller.is_some()
    }

    /// Whether other directors may have flows of the service with this id.
    pub(super) fn carries(&self, service: u32) -> bool {
        self.carried.contains(service)
    }

    /// Notes operations that are carried out.
    pub(super) fn note(&mut self, ops: &[MapOp]) {
        let mut may_help = false;
        for op in ops {
            match op {
                MapOp::SetServices { services } => {
                    self.carried.retain(services);
                    self.keeping = None;
                    may_help = true;
                }
                MapOp::PutDetails { .. } => self.keeping = None,
                MapOp::PutReal { real, .. } => may_help |= real.forwards(),
                _ => {}
            }
        }
        if may_help
            && std::mem::take(&mut self.lacks)
            && let Some((_, driver)) = &self.speaking
        {
            driver.ask();
        }
    }

    fn forget(&mut self) {
        match &mut self.teller {
            Some(teller) => teller.forget(),
            None => self.fresh = true,
        }
    }
}

impl<D: Dataplane> Core<D> {
    /// Speaks with the directors that the definitions name. To be called within a runtime.
    pub(super) fn follow_sync(&mut self) {
        let wanted = &self.state.desired.vrrp.sync;
        let standing = self.syncing.speaking.as_ref().map(|(config, _)| config);
        if standing == wanted.as_ref() {
            return;
        }
        // The socket of the one before is closed first.
        self.syncing.speaking = None;
        self.syncing.forget();
        if wanted.is_none() {
            self.syncing.carried.clear();
        }
        self.syncing.speaking = wanted
            .as_ref()
            .map(|config| (config.clone(), Driver::start(config, self.syncing.heard.clone())));
    }

    /// Looks out what others are to be told.
    pub(super) fn tell_directors(&mut self) {
        let Some((_, driver)) = &self.syncing.speaking else { return };
        if !driver.is_idle() {
            return;
        }
        if let Err(error) = self.walk_to_tell() {
            tracing::warn!("other directors are not told of connections: {error}");
        }
    }

    fn walk_to_tell(&mut self) -> Result<(), CommandError> {
        let begin = Instant::now();
        if begin >= self.syncing.next_look {
            self.syncing.next_look = begin + LOOK_EACH;
            self.syncing.carried.look(&self.actual);
        }
        self.syncing.next_walk = begin + EACH;
        let view = View::of(&self.actual, self.dataplane.capacity().ring_slots);
        let Some(teller) = self.syncing.teller.take_if(|teller| {
            // Without either there is nothing to look for.
            !view.is_empty() || teller.taken() > 0
        }) else {
            return Ok(());
        };
        let since = begin.duration_since(self.syncing.last_walk);
        self.syncing.last_walk = begin;
        let limit = limit(since);
        let prepared = self
            .connections()
            .and_then(|reader| Ok((reader, self.dataplane.now().map_err(failed)?)));
        let (reader, now) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.syncing.teller = Some(teller);
                return Err(error);
            }
        };
        let selected = self.syncing.selected.clone();
        tokio::task::spawn_blocking(move || {
            let found = select(teller, &view, &*reader, now, limit);
            // The daemon may have left.
            let _ = selected.blocking_send(found);
        });
        Ok(())
    }

    /// Tells what a walk has found.
    pub(super) fn handle_selected(&mut self, found: Selected) {
        let Selected { mut teller, entries, took } = found;
        if std::mem::take(&mut self.syncing.fresh) {
            teller.forget();
        }
        self.syncing.teller = Some(teller);
        self.syncing.next_walk = self.syncing.last_walk + EACH.max(took * WALKS_SHARE);
        match (entries, &self.syncing.speaking) {
            (Ok(entries), Some((_, driver))) if !entries.is_empty() => driver.tell(entries),
            (Err(error), _) => {
                tracing::warn!("other directors are not told of connections: {error}");
            }
            _ => {}
        }
    }

    /// Takes in what others say.
    pub(super) fn handle_heard(&mut self, heard: Heard) {
        match heard {
            Heard::Fresh => self.syncing.forget(),
            Heard::Entries(entries) => {
                if let Err(error) = self.take_entries(&entries) {
                    tracing::warn!("connections that another director told of are lost: {error}");
                }
            }
        }
    }

    fn take_entries(&mut self, entries: &[Entry]) -> Result<(), CommandError> {
        let Some(teller) = &mut self.syncing.teller else { return Ok(()) };
        let keeping =
            self.syncing.keeping.get_or_insert_with(|| Arc::new(Keeping::of(&self.actual)));
        let capacity = self.dataplane.capacity();
        let (seed, ring_slots) = (self.options.seed, capacity.ring_slots);
        let world = World { keeping, actual: &self.actual, seed, ring_slots };
        let room = (capacity.connections as usize).saturating_sub(teller.taken());
        let now = self.dataplane.now().map_err(failed)?;
        let mut table = self.dataplane.edit_connections().map_err(failed)?;
        let taken = take::take(world, &mut *table, entries, now, room).map_err(failed)?;
        self.syncing.taken += taken.written.len() as u64;
        for (count, more) in self.syncing.refused.iter_mut().zip(taken.refused) {
            *count += more;
        }
        self.syncing.lacks |= taken.lacks();
        teller.note_taken(taken.written);
        self.put(&settle::mark(&self.actual, &taken.slots, ring_slots))
    }
}

/// How many entries may be told after so long.
fn limit(since: Duration) -> usize {
    let milliseconds = since.as_millis().clamp(1000, LONGEST * 1000) as usize;
    ENTRIES_PER_SECOND * milliseconds / 1000
}

fn select(
    mut teller: Teller,
    view: &View,
    reader: &dyn ReadConnections,
    now: Ticks,
    limit: usize,
) -> Selected {
    let begin = std::time::Instant::now();
    let entries = reader.read().map(|table| teller.select(view, &table, now, limit));
    Selected { teller, entries, took: begin.elapsed() }
}
