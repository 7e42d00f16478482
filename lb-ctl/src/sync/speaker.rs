//! The task that speaks with other directors: tells slices of what is to be told, gathers what is
//! told to it, and says that it is there.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};

use super::driver::{ENTRIES_PER_SECOND, Heard};
use super::entry::Entry;
use super::packet::{self, Body, Key, MAX_LENGTH};
use super::session::{HELLO, Peer, Presence, Rejection, Sessions};
use super::shared::{PeerView, Shared, Told};
use crate::config::vrrp::Sync;

/// How often some of them leave.
const PACE: Duration = Duration::from_millis(50);
/// How many at a time.
const SLICE: usize = ENTRIES_PER_SECOND / 20;
/// What is told to us is gathered for so long: each batch may be a change of rings.
const GATHER: Duration = Duration::from_millis(50);
/// And no more than so many entries at a time.
const BATCH: usize = 4096;
/// How often everything is asked for because something was lost.
const ASK_EACH: Duration = Duration::from_secs(5);
/// Bytes that may wait in the socket: what all directors tell in a slice, and more.
const BUFFER: usize = 4 << 20;
/// How long until a socket that could not be opened, or has failed, is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Of how many peers and kinds of datagrams the log tells: strangers are many.
const LOGGED: usize = 64;

/// A number that grows from start to start, as long as the clock does; where it goes back, the
/// others say so.
fn this_start() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1).max(1)
}

/// The task.
pub(super) struct Speaker {
    listen: SocketAddr,
    key: Key,
    sessions: Sessions,
    /// What is to be told; from the end on.
    waiting: Vec<Entry>,
    /// What was told to us and the daemon does not have yet.
    gathered: Vec<Entry>,
    /// When it gets it.
    flush: Option<Instant>,
    heard: mpsc::Sender<Heard>,
    shared: Arc<Shared>,
    /// Something that was told to us was lost.
    missed: bool,
    /// When everything was asked for last.
    asked: Option<Instant>,
    logged: HashSet<(Option<SocketAddr>, Rejection)>,
}

impl Speaker {
    /// One that speaks with these directors, and tells `heard` what comes.
    pub(super) fn new(config: &Sync, shared: Arc<Shared>, heard: mpsc::Sender<Heard>) -> Self {
        let speaker = Self {
            listen: config.listen,
            key: Key::new(&config.key),
            sessions: Sessions::new(this_start(), config.peers.iter().copied()),
            waiting: Vec::new(),
            gathered: Vec::new(),
            flush: None,
            heard,
            shared,
            missed: false,
            asked: None,
            logged: HashSet::new(),
        };
        speaker.show(None);
        speaker
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Vec<Entry>>) {
        let mut complaint = None;
        loop {
            let error = match UdpSocket::bind(self.listen).await {
                Ok(socket) => {
                    // With the kernel's own size more is lost, and told again.
                    let _ = setsockopt(&socket, RcvBufForce, &BUFFER);
                    self.show(None);
                    tracing::info!("sync: listening on {}", self.listen);
                    complaint = None;
                    match self.serve(&socket, &mut queue).await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            let problem = format!("cannot listen on {}: {error}", self.listen);
            if complaint.as_ref() != Some(&problem) {
                tracing::warn!("sync: {problem}; trying again");
            }
            self.show(Some(problem.clone()));
            complaint = Some(problem);
            sleep(RETRY).await;
        }
    }

    /// Until the driver is gone, or the socket fails.
    async fn serve(
        &mut self,
        socket: &UdpSocket,
        queue: &mut mpsc::Receiver<Vec<Entry>>,
    ) -> io::Result<()> {
        let mut hello = ticks(HELLO);
        let mut pace = ticks(PACE);
        // One byte more, so that a datagram that is too long is known as such.
        let mut bytes = vec![0; MAX_LENGTH + 1];
        loop {
            let flush = self.flush;
            tokio::select! {
                came = socket.recv_from(&mut bytes) => {
                    let (length, from) = came?;
                    self.hear(&bytes[..length], from);
                    if self.must_ask() {
                        hello.reset_immediately();
                    }
                }
                _ = hello.tick() => self.greet(socket).await,
                _ = pace.tick(), if !self.waiting.is_empty() => self.tell_some(socket).await,
                () = at(flush) => self.pass_on(),
                entries = queue.recv() => match entries {
                    Some(entries) => self.waiting.extend(entries.into_iter().rev()),
                    None => return Ok(()),
                },
            }
        }
    }

    /// Whether everything is to be asked for because something was lost.
    fn must_ask(&self) -> bool {
        self.missed && self.asked.is_none_or(|asked| asked.elapsed() >= ASK_EACH)
    }

    async fn greet(&mut self, socket: &UdpSocket) {
        let asks = self.must_ask() | self.shared.asks.swap(false, Ordering::AcqRel);
        if asks {
            self.missed = false;
            self.asked = Some(Instant::now());
        }
        let write = if asks { packet::ask } else { packet::hello };
        let peers: Vec<SocketAddr> = self.sessions.peers().map(|(address, _)| address).collect();
        for peer in peers {
            let datagram = write(&self.key, self.sessions.header(peer));
            // One who cannot be reached is not heard either, which the status shows.
            let _ = socket.send_to(&datagram, peer).await;
        }
    }

    /// Tells a slice of what waits.
    async fn tell_some(&mut self, socket: &UdpSocket) {
        let now = std::time::Instant::now();
        let there = self.sessions.peers().filter(|(_, peer)| peer.is_there(now));
        let there: Vec<SocketAddr> = there.map(|(address, _)| address).collect();
        let rest = self.waiting.len().saturating_sub(SLICE);
        let mut slice = self.waiting.split_off(rest);
        slice.reverse();
        let mut left = slice.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(packet::fitting(left));
            for peer in &there {
                let datagram = packet::telling(&self.key, self.sessions.header(*peer), now);
                if socket.send_to(&datagram, *peer).await.is_ok() {
                    self.shared.sent.fetch_add(now.len() as u64, Ordering::Relaxed);
                }
            }
            left = later;
        }
        self.shared.waiting.fetch_sub(slice.len(), Ordering::AcqRel);
    }

    fn hear(&mut self, bytes: &[u8], from: SocketAddr) {
        if let Err(rejection) = self.accept(bytes, from) {
            self.reject(from, rejection);
        }
        self.show(None);
    }

    fn accept(&mut self, bytes: &[u8], from: SocketAddr) -> Result<(), Rejection> {
        if self.sessions.peers().all(|(address, _)| address != from) {
            return Err(Rejection::UnknownPeer);
        }
        let datagram = packet::open(&self.key, bytes)?;
        let presence = self.sessions.accept(from, &datagram, std::time::Instant::now())?;
        match presence {
            Presence::Known => {}
            Presence::Missed => self.missed = true,
            Presence::Fresh => {
                tracing::info!("sync: {from} is to be told everything");
                // Where there is no room, others that wait say the same or will be told in a minute.
                let _ = self.heard.try_send(Heard::Fresh);
            }
        }
        let Body::Entries(entries) = datagram.body else { return Ok(()) };
        self.shared.received.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.gathered.extend(entries);
        self.flush.get_or_insert(Instant::now() + GATHER);
        if self.gathered.len() >= BATCH {
            self.pass_on();
        }
        Ok(())
    }

    /// Gives the daemon what was gathered. Where it has no room, that is lost, and told again.
    fn pass_on(&mut self) {
        self.flush = None;
        let gathered = std::mem::take(&mut self.gathered);
        if self.heard.try_send(Heard::Entries(gathered)).is_err() {
            self.shared.rejected[Rejection::Overload.index()].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn reject(&mut self, from: SocketAddr, rejection: Rejection) {
        self.shared.rejected[rejection.index()].fetch_add(1, Ordering::Relaxed);
        // Strangers can have any address.
        let who = (rejection != Rejection::UnknownPeer).then_some(from);
        if self.logged.len() < LOGGED && self.logged.insert((who, rejection)) {
            tracing::warn!("sync: a datagram from {from} is not taken: {rejection}");
        }
    }

    /// Shows what is known of the others, and what is wrong.
    fn show(&self, problem: Option<String>) {
        let peers = self.sessions.peers();
        let view = |(address, peer): (_, &Peer)| PeerView { address, heard: peer.heard() };
        *self.shared.told() = Told { problem, peers: peers.map(view).collect() };
    }
}

/// Ticks that do not come in crowds where some were missed.
fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
