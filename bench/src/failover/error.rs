//! What can go wrong.

use std::io;

use thiserror::Error;

use crate::control::ControlError;
use crate::lab::LabError;

/// A run that failed.
#[derive(Debug, Error)]
pub enum FailoverError {
    /// The test bed, or what was waited for did not come.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The daemon with many services.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Adverts cannot be listened to.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Too few adverts were heard to tell their intervals.
    #[error("only {heard} adverts were heard while services were applied")]
    TooFewAdverts {
        /// How many.
        heard: usize,
    },
}
