//! The network between directors: it delays, loses, doubles, reorders and parts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lb_ctl::vrrp::sm::Heard;

/// Numbers that look random and are the same in each run (SplitMix64).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True in so many of a hundred cases.
    fn percent(&mut self, share: u8) -> bool {
        self.next() % 100 < u64::from(share)
    }
}

/// An advert on its way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Of which virtual router.
    pub(crate) router: usize,
    pub(crate) heard: Heard,
}

#[derive(Debug)]
pub(crate) struct Network {
    random: Random,
    /// How long each packet takes at least, and by how much longer some do.
    delay: Duration,
    jitter: Duration,
    /// How many of a hundred packets are lost, and arrive twice.
    loss: u8,
    twice: u8,
    /// From whom to whom nothing of which virtual router comes through.
    cuts: BTreeSet<(usize, usize, usize)>,
    packets: BTreeMap<(Instant, u64), Packet>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, delay: Duration, jitter: Duration) -> Self {
        Self {
            random: Random(seed),
            delay,
            jitter,
            loss: 0,
            twice: 0,
            cuts: BTreeSet::new(),
            packets: BTreeMap::new(),
            sent: 0,
        }
    }

    /// The longest that a packet takes.
    pub(crate) fn longest_delay(&self) -> Duration {
        self.delay + self.jitter
    }

    /// Whether packets may overtake each other.
    pub(crate) fn reorders(&self) -> bool {
        !self.jitter.is_zero()
    }

    /// Whether all that is sent arrives.
    pub(crate) fn is_whole(&self) -> bool {
        self.loss == 0 && self.cuts.is_empty()
    }

    pub(crate) fn disturb(&mut self, loss: u8, twice: u8) {
        (self.loss, self.twice) = (loss, twice);
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize, router: usize) {
        self.cuts.insert((from, to, router));
    }

    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
    }

    pub(crate) fn send(&mut self, now: Instant, packet: &Packet) {
        if self.cuts.contains(&(packet.from, packet.to, packet.router))
            || self.random.percent(self.loss)
        {
            return;
        }
        let copies = if self.random.percent(self.twice) { 2 } else { 1 };
        for _ in 0..copies {
            let share = (self.random.next() % 1000) as u32;
            let arrival = now + self.delay + self.jitter * share / 1000;
            self.sent += 1;
            self.packets.insert((arrival, self.sent), packet.clone());
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.packets.first_key_value().map(|((arrival, _), _)| *arrival)
    }

    /// What has arrived by now, in order.
    pub(crate) fn arrived(&mut self, now: Instant) -> Vec<Packet> {
        let later = self.packets.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.packets, later).into_values().collect()
    }
}
