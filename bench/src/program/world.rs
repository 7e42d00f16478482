//! The program under test, loaded as the daemon loads it, and its tables filled as the daemon fills
//! them, with the services of a row.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use lb_common::budget::Budget;
use lb_common::hash::DEFAULT_SEED;
use lb_common::verdict::Reason;
use lb_ctl::dataplane::aya::{AyaDataplane, OpenOptions};
use lb_ctl::dataplane::keeping::Keeping;
use lb_ctl::dataplane::{Dataplane as _, ReadConnections};
use lb_ctl::reconcile::actual::Actual;
use lb_ctl::reconcile::apply::run;
use lb_ctl::reconcile::plan::plan;

use super::row::Row;
use super::{Driver, ProgramError, definition};

/// The program in the kernel, with its tables filled.
pub struct World {
    dataplane: AyaDataplane,
    connections: Box<dyn ReadConnections>,
    services: u32,
}

impl World {
    /// Loads the program and what the row asks for, on a machine with so many possible CPUs.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses, for example because there is not the memory for the tables.
    pub fn load(row: &Row, cpus: u32) -> Result<Self, ProgramError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("/sys/fs/bpf/lb-ctl-bench-{}-{number}", std::process::id());
        let pin_dir = PathBuf::from(name);
        let capacity = row.capacity(cpus);
        let mut dataplane =
            AyaDataplane::open(&OpenOptions { pin_dir, capacity, seed: DEFAULT_SEED })?;
        let filled = fill(&mut dataplane, row);
        // The open descriptors keep everything; without names nothing is left behind, however this
        // process ends.
        dataplane.unpin_all()?;
        Ok(Self { dataplane, connections: filled?, services: row.services })
    }

    /// A packet generator before this program.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn driver(&mut self) -> Result<Driver, ProgramError> {
        Driver::new(self.dataplane.program_fd()?)
    }

    /// How many packets have left by a reason.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn counted(&self, reason: Reason) -> Result<u64, ProgramError> {
        Ok(self.dataplane.reasons()?[reason as usize])
    }

    /// How many packets have left by whatever reason.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn counted_in_all(&self) -> Result<u64, ProgramError> {
        Ok(self.dataplane.reasons()?.iter().sum())
    }

    /// How many connections the services have counted.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub fn connections_counted(&self) -> Result<u64, ProgramError> {
        let mut connections = 0;
        for service in 0..self.services {
            connections += self.dataplane.service_stats(service)?.connections;
        }
        Ok(connections)
    }

    /// The connection table.
    pub fn connections(&self) -> &dyn ReadConnections {
        self.connections.as_ref()
    }
}

/// Does what the daemon does with definitions.
fn fill(dataplane: &mut AyaDataplane, row: &Row) -> Result<Box<dyn ReadConnections>, ProgramError> {
    let target = definition::state(row).target();
    let mut actual = Actual::default();
    let ops = plan(&target, &actual, dataplane.capacity(), dataplane.now()?)?;
    run(dataplane, &mut actual, &ops)?;
    // Rows that track every flow are there to show what that costs: none is left out.
    dataplane.put_budget(Budget::of(u32::MAX, u32::MAX))?;
    Ok(dataplane.connections(Keeping::of(&actual))?)
}
