//! Brings rings to rest: looks now and then whether slots may settle, and compares marks with the
//! connection table on another thread.

use std::time::{Duration, Instant};

use lb_common::value::{TICK_SHIFT, Ticks};
use tokio::sync::mpsc;

use super::core::{Core, failed};
use crate::command::CommandError;
use crate::dataplane::{Dataplane, DataplaneError, ReadConnections};
use crate::reconcile::audit::{self, Audited};
use crate::reconcile::settle::{self, Marks, Observed, Release, Settling};

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
/// The walk through the connection table may take this share of the time.
const WALKS_SHARE: u32 = 10;

/// What a walk through the connection table looks for.
struct Walk {
    marks: Option<Marks>,
    audited: Audited,
}

impl Walk {
    fn through(&self, reader: &mut dyn ReadConnections) -> Result<Vec<Release>, DataplaneError> {
        reader.sweep()?;
        let believed = |reader: &mut dyn ReadConnections| {
            if self.audited.is_empty() { Ok(Vec::new()) } else { reader.loads() }
        };
        let before = believed(reader)?;
        let entries = reader.read()?;
        let after = believed(reader)?;
        reader.correct_loads(&self.audited.corrections((&before, &after), &entries))?;
        reader.keep_clients(&entries)?;
        Ok(self.marks.as_ref().map(|marks| marks.compare(&entries)).unwrap_or_default())
    }
}

/// What was found in the connection table.
#[derive(Debug)]
pub(super) struct Walked {
    releases: Result<Vec<Release>, DataplaneError>,
    took: Duration,
}

/// The settling of rings, and the walk that may be under way.
pub(super) struct Settler {
    settling: Settling,
    walking: bool,
    next_walk: Instant,
    /// A ring has changed since the last look.
    changed: bool,
    found: mpsc::Sender<Walked>,
}

impl Settler {
    /// Tells `found` what walks find.
    pub(super) fn new(found: mpsc::Sender<Walked>) -> Self {
        let next_walk = Instant::now();
        Self { settling: Settling::default(), walking: false, next_walk, changed: true, found }
    }

    /// Asks for a look soon: a service that has forwarded nothing need not wait.
    pub(super) fn look_soon(&mut self) {
        self.changed = true;
    }

    /// Notes that these services may have forwarded packets that their counters do not show.
    pub(super) fn assume_carried(&mut self, services: impl IntoIterator<Item = u32>) {
        self.settling.assume_carried(services);
    }
}

impl<D: Dataplane> Core<D> {
    /// When to look after rings again; `None` where all are at rest.
    pub(super) fn settling_in(&self) -> Option<Duration> {
        let services = self.actual.services().values();
        let moving = services
            .filter(|service| self.actual.ring(service.id).is_some_and(|ring| !ring.is_settled()));
        let details = moving.filter_map(|service| self.actual.details(service.id));
        let idle = details.map(|details| details.timeouts.longest()).min();
        let settle = idle.map(|idle| {
            let longest = if self.settler.changed { SHORTEST } else { LONGEST };
            (duration(idle) / 8).clamp(SHORTEST, longest)
        });
        let walk = audit::walk_within(&self.actual);
        let walk = walk.map(|within| duration(within).clamp(SHORTEST, LONGEST));
        settle.into_iter().chain(walk).min()
    }

    /// Whether what other directors tell can be written into the table: a walk that is under way
    /// might miss it, and take a mark off that it needs.
    pub(super) fn can_take_entries(&self) -> bool {
        !self.settler.walking && self.syncing.can_take()
    }

    /// Settles what is due, and looks for marks that can go.
    pub(super) fn settle_rings(&mut self) {
        self.settler.changed = false;
        let outcome = self.settle_due().and_then(|()| self.walk());
        if let Err(error) = outcome {
            tracing::warn!("rings that have changed are not settled yet: {error}");
        }
    }

    fn settle_due(&mut self) -> Result<(), CommandError> {
        let now = self.dataplane.now().map_err(failed)?;
        let observe = |id| {
            let here = self.dataplane.service_stats(id)?.packets;
            // What others have forwarded may come this way.
            let forwarded = here + u64::from(self.syncing.carries(id));
            Ok::<_, DataplaneError>(Observed { forwarded, deferred: self.dataplane.deferred(id)? })
        };
        let ops = self.settler.settling.step(&self.actual, observe, now).map_err(failed)?;
        self.put(&ops)
    }

    fn walk(&mut self) -> Result<(), CommandError> {
        if self.settler.walking || Instant::now() < self.settler.next_walk {
            return Ok(());
        }
        let walk = Walk {
            marks: Marks::of(&self.actual, self.dataplane.capacity().ring_slots),
            audited: Audited::of(&self.actual),
        };
        let mut reader = self.connections()?;
        let found = self.settler.found.clone();
        self.settler.walking = true;
        tokio::task::spawn_blocking(move || {
            let begin = Instant::now();
            let releases = walk.through(&mut *reader);
            // The daemon may have left.
            let _ = found.blocking_send(Walked { releases, took: begin.elapsed() });
        });
        Ok(())
    }

    /// Takes in what a walk through the connection table found.
    pub(super) fn handle_walked(&mut self, walked: Walked) {
        self.settler.walking = false;
        self.settler.next_walk = Instant::now() + walked.took * WALKS_SHARE;
        let releases = walked.releases.map_err(failed);
        let outcome = releases.and_then(|found| self.put(&settle::release(&self.actual, found)));
        if let Err(error) = outcome {
            tracing::warn!("rings that have changed are not settled yet: {error}");
        }
    }
}

fn duration(ticks: Ticks) -> Duration {
    Duration::from_nanos(u64::from(ticks) << TICK_SHIFT)
}
