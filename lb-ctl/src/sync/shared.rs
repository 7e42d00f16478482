//! What the task that speaks with other directors and the daemon share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::session::Rejection;

/// What was counted, and what is known of the others.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Entries that wait to be sent.
    pub(super) waiting: AtomicUsize,
    /// Everything is to be asked for.
    pub(super) asks: AtomicBool,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) rejected: [AtomicU64; Rejection::ALL.len()],
    pub(super) told: Mutex<Told>,
}

/// What the task says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) problem: Option<String>,
    pub(super) peers: Vec<PeerView>,
}

/// Another director, as it was last heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerView {
    /// Its address and port.
    pub address: SocketAddr,
    /// When it was last heard.
    pub heard: Option<Instant>,
}

/// What was counted since the driver started.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Entries that were sent, once for each director.
    pub sent: u64,
    /// Entries that came in datagrams that were taken.
    pub received: u64,
    /// Datagrams that were not taken, and why.
    pub rejected: Vec<(Rejection, u64)>,
}

impl Shared {
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> Counts {
        let Self { sent, received, rejected, .. } = self;
        let rejected = Rejection::ALL.into_iter().zip(rejected);
        Counts {
            sent: sent.load(Ordering::Relaxed),
            received: received.load(Ordering::Relaxed),
            rejected: rejected.map(|(why, count)| (why, count.load(Ordering::Relaxed))).collect(),
        }
    }
}
