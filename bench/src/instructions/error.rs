//! What can go wrong in counting.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::program::ProgramError;

/// A count that could not be made or compared.
#[derive(Debug, Error)]
pub enum InstructionsError {
    /// The program bench's machinery.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The clock is a clock.
    #[error(
        "this kernel's clock does not count instructions: `cargo xtask bench instructions`, or \
         `bench pktgen`, boots one whose clock does"
    )]
    Clock,
    /// The file to compare with.
    #[error(
        "cannot read {path}: {cause}; `cargo xtask bench instructions --accept` writes it anew"
    )]
    Reference {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The kernel's command line.
    #[error("cannot read {path}: {cause}")]
    CommandLine {
        /// Where it is to be read.
        path: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// What must not happen by accident.
    #[error("{0}")]
    Grown(String),
}
