//! Speaks with the other directors over UDP, in a task of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::entry::Entry;
use super::shared::Shared;
pub use super::shared::{Counts, PeerView};
use super::speaker::Speaker;
use crate::config::vrrp::Sync;

/// No more entries than this are told in a second.
pub const ENTRIES_PER_SECOND: usize = 20_000;
/// Batches that may wait for the daemon.
pub const ROOM: usize = 16;

/// What the daemon hears.
#[derive(Debug)]
pub enum Heard {
    /// A director has started, or was away: it may lack anything.
    Fresh,
    /// Others have entries.
    Entries(Vec<Entry>),
}

/// Speaks with the other directors. Dropping it ends that.
#[derive(Debug)]
pub struct Driver {
    outgoing: mpsc::Sender<Vec<Entry>>,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Driver {
    /// Begins to listen, and to say that this director is there; `heard` is told what comes. An
    /// address that is not there yet is waited for. To be called within a runtime.
    pub fn start(config: &Sync, heard: mpsc::Sender<Heard>) -> Self {
        let shared = Arc::new(Shared::default());
        let (outgoing, queue) = mpsc::channel(1);
        let speaker = Speaker::new(config, Arc::clone(&shared), heard);
        let task = tokio::spawn(speaker.run(queue)).abort_handle();
        Self { outgoing, shared, task }
    }

    /// Whether all that was to be told has been.
    pub fn is_idle(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) == 0
    }

    /// Tells all directors that are there. The caller waits for [`Self::is_idle`] before it has more
    /// to tell: what comes sooner is lost, so that no queue grows.
    pub fn tell(&self, entries: Vec<Entry>) {
        let count = entries.len();
        self.shared.waiting.fetch_add(count, Ordering::AcqRel);
        if self.outgoing.try_send(entries).is_err() {
            self.shared.waiting.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// Asks the others to tell everything, with the next hello: what they have told could not be
    /// used.
    pub fn ask(&self) {
        self.shared.asks.store(true, Ordering::Release);
    }

    /// Why nothing can be told or heard.
    pub fn problem(&self) -> Option<String> {
        self.shared.told().problem.clone()
    }

    /// The other directors.
    pub fn peers(&self) -> Vec<PeerView> {
        self.shared.told().peers.clone()
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
