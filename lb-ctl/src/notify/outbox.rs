//! The queue of one who is told.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::dropped::{Dropped, Medium};
use crate::event::Event;

/// Events that wait at most.
pub(super) const ROOM: usize = 1000;

/// A queue with an end, and the task that empties it.
#[derive(Debug)]
pub(super) struct Outbox {
    name: String,
    medium: Medium,
    events: mpsc::Sender<Arc<Event>>,
    task: JoinHandle<()>,
    dropped: Arc<Dropped>,
    /// The log was told that there is no room.
    is_full: bool,
}

impl Outbox {
    /// A queue that is emptied by what `work` does with its other end.
    pub(super) fn open<F: Future<Output = ()> + Send + 'static>(
        name: String,
        medium: Medium,
        dropped: &Arc<Dropped>,
        work: impl FnOnce(mpsc::Receiver<Arc<Event>>) -> F,
    ) -> Self {
        let (events, receiver) = mpsc::channel(ROOM);
        let task = tokio::spawn(work(receiver));
        Self { name, medium, events, task, dropped: Arc::clone(dropped), is_full: false }
    }

    /// Queues an event. Where there is no room it is counted and, the first time, logged.
    pub(super) fn put(&mut self, event: &Arc<Event>) {
        match self.events.try_send(Arc::clone(event)) {
            Ok(()) => self.is_full = false,
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                self.dropped.add(self.medium, 1);
                if !self.is_full {
                    tracing::warn!("{}: {ROOM} events wait already, more are not told", self.name);
                }
                self.is_full = true;
            }
        }
    }

    /// Ends the queue, and waits until it is empty.
    pub(super) async fn close(self) {
        drop(self.events);
        if let Err(error) = self.task.await {
            tracing::error!("{}: {error}", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use tokio::sync::oneshot;

    use super::*;
    use crate::event::{EventKind, Happening};

    fn event(seq: u64) -> Arc<Event> {
        let what = Happening::new(EventKind::RealUp, "");
        Arc::new(Event { seq, at: UNIX_EPOCH, what })
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_and_the_rest_comes_in_order() {
        let dropped = Arc::new(Dropped::default());
        let (go, wait) = oneshot::channel::<()>();
        let (told, heard) = oneshot::channel();
        let mut outbox = Outbox::open("test".into(), Medium::Mail, &dropped, async |mut events| {
            wait.await.unwrap();
            let mut seen = Vec::new();
            while let Some(event) = events.recv().await {
                seen.push(event.seq);
            }
            told.send(seen).unwrap();
        });
        for seq in 0..ROOM as u64 + 7 {
            outbox.put(&event(seq));
        }
        assert!(outbox.is_full);
        let counts = dropped.counts();
        assert_eq!(counts, [(Medium::Script, 0), (Medium::Mail, 7), (Medium::Webhook, 0)]);
        go.send(()).unwrap();
        outbox.close().await;
        assert_eq!(heard.await.unwrap(), (0..ROOM as u64).collect::<Vec<_>>());
    }
}
