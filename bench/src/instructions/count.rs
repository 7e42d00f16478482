//! Counting a row.

use std::fs;

use serde::{Deserialize, Serialize};

use super::InstructionsError;
use crate::program::measure::{self, measure};
use crate::program::row::{Kind, Row};
use crate::program::rows;
use crate::report::whole;

/// The kernel's command line, on which `cargo xtask vm --icount` leaves [`MARK`].
const COMMAND_LINE: &str = "/proc/cmdline";
const MARK: &str = "lb_ctl.icount";

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Effort {
    /// Packets of one run.
    pub packets: u32,
    /// Runs of each row.
    pub runs: u32,
}

/// A row and its instructions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Count {
    /// The kind of packets.
    pub row: String,
    /// The services' tracking.
    pub tracking: String,
    /// The services' scheduler.
    pub scheduler: String,
    /// 4 or 6.
    pub family: u8,
    /// Instructions of a packet in the program, without those of generating the packet and of the
    /// kernel's loop around both.
    pub instructions: u64,
    /// Those of generator, loop and a bare transmit, which are taken off.
    pub generator: u64,
}

impl Count {
    /// The row in one word.
    pub fn label(&self) -> String {
        let Self { row, tracking, scheduler, family, .. } = self;
        format!("{row}/{tracking}/{scheduler}/ipv{family}")
    }

    /// Whether the row must not grow unseen; of the others it is told.
    pub fn is_guarded(&self) -> bool {
        self.row == Kind::EstablishedTcp.name()
    }
}

/// The rows that are counted: one flow, since caches do not matter here, and every packet a new
/// one.
pub fn rows(packets: u32) -> Vec<Row> {
    let mut rows = rows::all(packets);
    rows.retain(|row| {
        let kind = match row.kind {
            Kind::Pass | Kind::EstablishedTcp | Kind::Udp => row.flows == 1,
            Kind::NewFlows => true,
            Kind::TcpSyn => false,
        };
        kind && row.is_plotted()
    });
    rows
}

/// Whether this kernel's nanoseconds are instructions.
///
/// # Errors
///
/// Where the kernel does not tell how it was booted.
pub fn counts_instructions() -> Result<bool, InstructionsError> {
    let line = fs::read_to_string(COMMAND_LINE)
        .map_err(|cause| InstructionsError::CommandLine { path: COMMAND_LINE, cause })?;
    Ok(line.split_whitespace().any(|word| word == MARK))
}

/// Counts a row.
///
/// # Errors
///
/// The clock does not count instructions, or as [`measure`].
pub fn count(row: &Row, effort: Effort) -> Result<Count, InstructionsError> {
    if !counts_instructions()? {
        return Err(InstructionsError::Clock);
    }
    let Effort { packets, runs } = effort;
    // The VM has one CPU.
    let measured = measure(row, measure::Effort { packets, runs, cpus: 1 })?;
    Ok(Count {
        row: row.kind.name().to_owned(),
        tracking: row.tracking.name().to_owned(),
        scheduler: row.scheduler.name().to_owned(),
        family: row.family_number(),
        instructions: whole((measured.figures.measured.median - measured.generator_ns).max(0.0)),
        generator: whole(measured.generator_ns),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_is_counted_in_both_families_and_none_twice() {
        let rows = rows(1_000);
        for kind in [Kind::Pass, Kind::EstablishedTcp, Kind::Udp, Kind::NewFlows] {
            for family in [4, 6] {
                let of_kind = |row: &&Row| row.kind == kind && row.family_number() == family;
                let trackings: Vec<_> =
                    rows.iter().filter(of_kind).map(|row| row.tracking.name()).collect();
                let different: HashSet<_> = trackings.iter().collect();
                assert!(!trackings.is_empty(), "{kind:?}");
                assert_eq!(different.len(), trackings.len(), "{kind:?}");
            }
        }
    }
}
