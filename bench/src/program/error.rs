//! What can go wrong in the program bench.

use lb_ctl::dataplane::DataplaneError;
use lb_ctl::reconcile::plan::PlanError;
use thiserror::Error;

/// A bench that could not go on.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// lb-ctl's program or its maps.
    #[error("the program under test: {0}")]
    Dataplane(#[from] DataplaneError),
    /// The row's services do not fit the tables.
    #[error("the services of the row: {0}")]
    Plan(#[from] PlanError),
    /// The packet generator.
    #[error("the packet generator: cannot {operation}: {cause}")]
    Generator {
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        cause: String,
    },
    /// A packet left otherwise than it must.
    #[error(
        "row {row}: {measured} ended with XDP action {found} instead of {wanted}: the program did \
         not take the packets that the generator made"
    )]
    Action {
        /// The row.
        row: String,
        /// What was run.
        measured: &'static str,
        /// How the last packet left.
        found: u32,
        /// How it should have.
        wanted: u32,
    },
    /// The program did not count every packet.
    #[error(
        "row {row}: {wanted} packets were run and the program counted {found} as {reason:?}: the \
         figure would not be of this row"
    )]
    Packets {
        /// The row.
        row: String,
        /// The reason by which each should have left.
        reason: &'static str,
        /// How many did.
        found: u64,
        /// How many were run.
        wanted: u64,
    },
    /// The flows were not what the row says.
    #[error(
        "row {row}: the program counted {found} connections, not {wanted}: the flows were not \
         varied as they must, or forgotten on the way"
    )]
    Connections {
        /// The row.
        row: String,
        /// How many connections were counted.
        found: u64,
        /// How many there should be.
        wanted: u64,
    },
}
