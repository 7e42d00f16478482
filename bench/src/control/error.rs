//! What can go wrong.

use std::io;

use lb_ctl::api::client::ClientError;
use lb_ctl::dataplane::DataplaneError;
use thiserror::Error;

use crate::lab::LabError;

/// A run that failed.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The test bed.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The daemon refused a command, or did not answer.
    #[error("the daemon: {0}")]
    Client(#[from] ClientError),
    /// The maps could not be read.
    #[error("the daemon's maps: {0}")]
    Maps(#[from] DataplaneError),
    /// The system.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// What was asked for did not come about.
    #[error("waited {seconds} s in vain for {what}")]
    Timeout {
        /// What.
        what: String,
        /// For how long.
        seconds: u64,
    },
    /// The daemon said that all is in effect, and the maps do not.
    #[error("service {service}: {reals} of {wanted} reals have slots of its ring")]
    NotInEffect {
        /// The service's number in the maps.
        service: u32,
        /// Reals in its ring.
        reals: usize,
        /// Reals that it should have.
        wanted: usize,
    },
}
