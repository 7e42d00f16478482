//! What can go wrong with streams of real frames.

use std::fmt::Display;

use thiserror::Error;

use crate::lab::LabError;
use crate::report::MachineError;

/// A stream that could not be sent, or did not go as it must.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The test bed.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// One of the bench's own XDP programs or maps.
    #[error("the bench's XDP programs: cannot {operation}: {cause}")]
    Program {
        /// What was tried.
        operation: &'static str,
        /// What the kernel or the loader said.
        cause: String,
    },
    /// Frames were lost without a trace, or came from elsewhere.
    #[error(
        "{run}: {sent} frames were sent, {arrived} arrived, {dropped} were counted as dropped: \
         that does not add up, the figure would be of something else"
    )]
    Missing {
        /// Which run.
        run: String,
        /// Frames sent.
        sent: u64,
        /// Frames that the sink has seen.
        arrived: u64,
        /// Drops that the interface and lb-ctl have counted.
        dropped: u64,
    },
    /// lb-ctl counted otherwise than the frames went.
    #[error(
        "{run}: lb-ctl says that it forwarded {forwarded} packets, but {arrived} arrived, and at most \
         {left} left the director: another program was measured, or it miscounts"
    )]
    Counters {
        /// Which run.
        run: String,
        /// By how much its counter grew.
        forwarded: u64,
        /// Frames that the sink has seen.
        arrived: u64,
        /// These, and those dropped on the way out.
        left: u64,
    },
    /// Frames did not go where they must.
    #[error("{run}: {what}")]
    Astray {
        /// Which run.
        run: String,
        /// What happened instead.
        what: String,
    },
}

impl StreamError {
    /// Makes an error of one of the bench's programs or maps.
    pub(super) fn program<E: Display>(operation: &'static str) -> impl Fn(E) -> Self {
        move |cause| Self::Program { operation, cause: format!("{cause:#}") }
    }

    /// A part of an object is not there.
    pub(super) fn missing(name: &str) -> Self {
        Self::Program { operation: "find a part of an object", cause: name.to_owned() }
    }
}
