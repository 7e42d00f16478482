//! What an answer tells as time goes by: from the daemon's task to one client.

use axum::body::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::wire::TracedPacket;

/// Packets that a client has not taken yet. A client that is slower misses some.
const ROOM: usize = 256;

/// The client's end.
#[derive(Debug)]
pub struct Feed {
    packets: mpsc::Receiver<TracedPacket>,
    /// Dropped with the feed, by which the other end learns that nobody listens.
    _open: oneshot::Sender<()>,
}

/// The daemon's end.
#[derive(Debug)]
pub struct Source {
    /// Where packets go; a feed ends when this is dropped.
    pub packets: mpsc::Sender<TracedPacket>,
    /// Ends when nobody listens any more.
    pub closed: oneshot::Receiver<()>,
}

/// A feed and its source.
pub fn feed() -> (Source, Feed) {
    let (packets, receiver) = mpsc::channel(ROOM);
    let (open, closed) = oneshot::channel();
    (Source { packets, closed }, Feed { packets: receiver, _open: open })
}

impl Feed {
    /// One JSON object a line, each as soon as it is there.
    pub fn into_lines(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        stream::unfold(self, |mut feed| async move {
            let packet = feed.packets.recv().await?;
            Some((Ok(line(&packet)), feed))
        })
    }
}

/// A value of [`super::wire`] as a line.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).expect("wire types are plain data");
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    fn packet() -> TracedPacket {
        let line = r#"{"time_ns":1,"interface":"eth0","length":60,"protocol":"arp","client":null,
            "client_port":null,"vip":null,"port":null,"service":null,"real":null,"verdict":"pass",
            "reason":"not-ip","frame":""}"#;
        serde_json::from_str(line).unwrap()
    }

    #[tokio::test]
    async fn every_packet_is_a_line_and_the_end_of_the_source_is_the_end() {
        let (source, feed) = feed();
        source.packets.try_send(packet()).unwrap();
        source.packets.try_send(TracedPacket { length: 61, ..packet() }).unwrap();
        drop(source.packets);
        let lines: Vec<_> = feed.into_lines().map(Result::unwrap).collect().await;
        assert!(lines.iter().all(|line| line.ends_with(b"\n")), "{lines:?}");
        let read: Vec<TracedPacket> =
            lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(read.iter().map(|packet| packet.length).collect::<Vec<_>>(), [60, 61]);
    }

    #[tokio::test]
    async fn a_reader_that_is_slow_holds_nobody_up_and_one_that_goes_is_noticed() {
        let (source, feed) = feed();
        let sent = (0..1000).take_while(|_| source.packets.try_send(packet()).is_ok()).count();
        assert_eq!(sent, ROOM);
        drop(feed.into_lines());
        assert!(source.closed.await.is_err(), "nobody listens");
    }
}
