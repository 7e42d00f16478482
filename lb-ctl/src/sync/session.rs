//! Who may tell us something: what is known of each of the other directors, and which of their
//! datagrams are new. Pure.
//!
//! A replayed datagram carries an HMAC that is right. It is known by its numbers: those of a start
//! of its sender that is over, those of a start of ours that is over, and those that have come
//! already are refused (the window is that of RFC 4303, section 3.4.3).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use thiserror::Error;

use super::packet::{Body, Datagram, Header, PacketError};

/// How often each director says that it is there.
pub const HELLO: Duration = Duration::from_secs(1);
/// Who has said nothing for so long is away: it may have missed what was told since.
pub const SILENCE: Duration = Duration::from_secs(5);

/// Why a datagram changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum Rejection {
    /// Nobody is expected to send from there.
    #[error("its sender is not among `peers`")]
    UnknownPeer,
    /// It cannot be read.
    #[error("{0}")]
    Packet(#[from] PacketError),
    /// It has come before, or its sender has started anew since.
    #[error("it has come before, or is from before its sender's last start")]
    Replayed,
    /// It was written for a director that has started anew since.
    #[error("it is for a start of this director that is over")]
    Stale,
    /// This director wrote it.
    #[error("it comes back from where it was sent")]
    Own,
    /// Too many have come at once.
    #[error("more is told than can be taken in")]
    Overload,
}

impl Rejection {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UnknownPeer,
        Self::Packet(PacketError::Malformed),
        Self::Packet(PacketError::Version),
        Self::Packet(PacketError::Unauthentic),
        Self::Replayed,
        Self::Stale,
        Self::Own,
        Self::Overload,
    ];

    /// The word of status and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownPeer => "unknown-peer",
            Self::Packet(PacketError::Malformed) => "malformed",
            Self::Packet(PacketError::Version) => "version",
            Self::Packet(PacketError::Unauthentic) => "unauthentic",
            Self::Replayed => "replayed",
            Self::Stale => "stale",
            Self::Own => "own",
            Self::Overload => "overload",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|each| *each == self).unwrap_or_default()
    }
}

/// What is known of the other directors.
#[derive(Clone, Debug)]
pub struct Sessions {
    start: u64,
    peers: IndexMap<SocketAddr, Peer>,
}

/// Another director.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Peer {
    /// Its start; 0 where it is not known yet.
    start: u64,
    window: Window,
    heard: Option<Instant>,
    /// How many datagrams were written to it: each has its own row of numbers, so that a gap is a
    /// loss.
    sequence: u64,
}

impl Peer {
    /// When it was last heard.
    pub fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// Whether it was heard of late.
    pub fn is_there(&self, now: Instant) -> bool {
        self.heard.is_some_and(|heard| now.saturating_duration_since(heard) < SILENCE)
    }
}

/// What a datagram that was taken says of its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It is there, as it was.
    Known,
    /// The same, but others of its datagrams are missing.
    Missed,
    /// It has started, or was away, or says so: it may lack anything.
    Fresh,
}

impl Sessions {
    /// A director that starts with this number, which is not 0 and larger than those of earlier
    /// starts, and these others.
    pub fn new(start: u64, peers: impl IntoIterator<Item = SocketAddr>) -> Self {
        let peers = peers.into_iter().map(|address| (address, Peer::default())).collect();
        Self { start, peers }
    }

    /// The others, in the order they were given.
    pub fn peers(&self) -> impl Iterator<Item = (SocketAddr, &Peer)> {
        self.peers.iter().map(|(address, peer)| (*address, peer))
    }

    /// The header of the next datagram to one of them.
    pub fn header(&mut self, to: SocketAddr) -> Header {
        let from = self.start;
        let Some(peer) = self.peers.get_mut(&to) else {
            return Header { from, to: 0, sequence: 0 };
        };
        peer.sequence += 1;
        Header { from, to: peer.start, sequence: peer.sequence }
    }

    /// Takes a datagram that was read, or says why not.
    ///
    /// # Errors
    ///
    /// Why it changes nothing.
    pub fn accept(
        &mut self,
        from: SocketAddr,
        datagram: &Datagram,
        now: Instant,
    ) -> Result<Presence, Rejection> {
        let Datagram { header, body } = datagram;
        let peer = self.peers.get_mut(&from).ok_or(Rejection::UnknownPeer)?;
        if header.from == self.start {
            return Err(Rejection::Own);
        }
        if matches!(body, Body::Entries(_)) && header.to != self.start {
            return Err(Rejection::Stale);
        }
        let is_new = header.from > peer.start;
        let missed = !is_new && peer.window.misses(header.sequence);
        if header.from < peer.start || (!is_new && !peer.window.admit(header.sequence)) {
            return Err(Rejection::Replayed);
        }
        if is_new {
            let window = Window { highest: header.sequence, seen: 1 };
            *peer = Peer { start: header.from, window, heard: None, ..*peer };
        }
        let was_there = peer.is_there(now);
        peer.heard = Some(now);
        // Our clock has gone back since the peer last heard us: until our number is larger than the
        // one it knows, it takes us for a replay.
        if header.to > self.start {
            self.start = header.to.saturating_add(1);
        }
        Ok(match () {
            () if !was_there || *body == Body::Ask => Presence::Fresh,
            () if missed => Presence::Missed,
            () => Presence::Known,
        })
    }
}

/// The numbers of datagrams that have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Window {
    highest: u64,
    /// The highest and the 63 before it, from the lowest bit on.
    seen: u64,
}

impl Window {
    /// Whether there are others between the highest number and this one.
    const fn misses(&self, sequence: u64) -> bool {
        sequence > self.highest.saturating_add(1)
    }

    /// Whether a number has not come yet, as far as that is known; it has from now on.
    fn admit(&mut self, sequence: u64) -> bool {
        if let Some(ahead @ 1..) = sequence.checked_sub(self.highest) {
            self.highest = sequence;
            self.seen = if ahead < 64 { self.seen << ahead | 1 } else { 1 };
            return true;
        }
        let behind = self.highest - sequence;
        if behind >= 64 || self.seen >> behind & 1 != 0 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
