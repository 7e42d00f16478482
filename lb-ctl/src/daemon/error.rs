//! Why the daemon did not start.

use thiserror::Error;

use super::preflight::PreflightError;
use crate::api::socket::SocketError;
use crate::command::CommandError;
use crate::config::store::StoreError;
use crate::dataplane::DataplaneError;
use crate::metrics::server::MetricsError;
use crate::netlink::NetlinkError;

/// Why the daemon did not start.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// The machine is not fit for it.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// The definition file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The kernel's network tables cannot be read.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The program cannot be loaded.
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
    /// Metrics cannot be offered.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// What is defined cannot be put into effect.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// No interface is named.
    #[error(
        "no interface to balance on: give --interface IF, or name them under \"interfaces\" in {0}"
    )]
    NoInterface(String),
    /// A signal handler cannot be installed.
    #[error("cannot listen for signals: {0}")]
    Signals(#[from] std::io::Error),
}

impl DaemonError {
    /// Whether what was asked for is at fault, rather than the machine.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Definition { .. } | StoreError::TooLong { .. })
                | Self::Command(CommandError::Refused(_))
                | Self::NoInterface(_)
        )
    }
}
