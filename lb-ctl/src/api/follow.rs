//! Events, told of as they happen.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::feed::line;
use super::wire;
use crate::event::Event;
use crate::event::history::Selection;

/// Events that a client has not taken yet. One that is slower loses the oldest.
pub const ROOM: usize = 1024;

/// Events of the past, and those that come.
#[derive(Debug)]
pub struct Follow {
    past: VecDeque<Arc<Event>>,
    coming: broadcast::Receiver<Arc<Event>>,
    selection: Selection,
    /// Those that the client was too slow for, and does not know of yet.
    missed: u64,
}

impl Follow {
    /// Tells of `past` first, and then of those among the `coming` that are asked for.
    pub fn new(
        past: Vec<Arc<Event>>,
        coming: broadcast::Receiver<Arc<Event>>,
        selection: Selection,
    ) -> Self {
        Self { past: past.into(), coming, selection, missed: 0 }
    }

    async fn next(&mut self) -> Option<wire::Event> {
        if let Some(event) = self.past.pop_front() {
            return Some(wire::Event::from(&*event));
        }
        loop {
            match self.coming.recv().await {
                Ok(event) if self.selection.takes(&event) => {
                    let missed = std::mem::take(&mut self.missed);
                    return Some(wire::Event { missed, ..wire::Event::from(&*event) });
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => self.missed += missed,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// One JSON object a line, each as soon as it is there; ends when the daemon leaves.
    pub fn into_lines(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(self, |mut follow| async move {
            let event = follow.next().await?;
            Some((Ok(line(&event)), follow))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use futures_util::StreamExt as _;

    use super::*;
    use crate::event::{EventKind, Happening};

    fn event(seq: u64) -> Arc<Event> {
        let what = Happening::new(EventKind::RealUp, "");
        Arc::new(Event { seq, at: UNIX_EPOCH, what })
    }

    async fn told(follow: Follow) -> Vec<(u64, u64)> {
        let lines: Vec<Bytes> = follow.into_lines().map(Result::unwrap).collect().await;
        let read = lines.iter().map(|line| {
            assert!(line.ends_with(b"\n"), "{line:?}");
            let event: wire::Event = serde_json::from_slice(line).unwrap();
            (event.seq, event.missed)
        });
        read.collect()
    }

    #[tokio::test]
    async fn the_past_comes_first_and_the_end_of_the_source_is_the_end() {
        let (source, coming) = broadcast::channel(ROOM);
        let follow = Follow::new(vec![event(7), event(8)], coming, Selection::default());
        source.send(event(9)).unwrap();
        drop(source);
        assert_eq!(told(follow).await, [(7, 0), (8, 0), (9, 0)]);
    }

    #[tokio::test]
    async fn a_reader_that_is_slow_loses_the_oldest_and_is_told_so() {
        let (source, coming) = broadcast::channel(ROOM);
        let follow = Follow::new(Vec::new(), coming, Selection::default());
        let sent = ROOM as u64 + 10;
        for seq in 1..=sent {
            source.send(event(seq)).unwrap();
        }
        drop(source);
        let told = told(follow).await;
        assert_eq!(told.len(), ROOM);
        assert_eq!(told[0], (11, 10));
        assert!(told[1..].iter().all(|(_, missed)| *missed == 0), "it is told so once");
        assert_eq!(told.last(), Some(&(sent, 0)));
    }
}
