//! What must hold at every moment.
//!
//! *Never two masters longer than the RFC allows.* RFC 9568 knows two masters that hear each other
//! only until one of them hears the other's advert: the lower one steps down then (section 6.4.3,
//! (725) to (750)), and the higher one answers the advert of a lower one at once (760). A master
//! sends one each `Advertisement_Interval` (705). So, while nothing else happens, both have the
//! addresses for no longer than the longer of their intervals, and the way of two adverts.
//!
//! What is beyond the RFC: addresses that are kept for want of another master (after a restart, or
//! when they are handed over) are dropped at the first advert of one. Where nobody is master yet,
//! that comes when the longest down interval is over (section 6.1).
//!
//! *Make before break.* When a master leaves or hands over, and another one listens, the addresses
//! are at one director or another all the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lb_ctl::vrrp::sm::Role;

use crate::director::Director;
use crate::network::Network;
use crate::setup::Setup;

/// Two directors, and a virtual router that both have the addresses of.
type Pair = (usize, usize, usize);

#[derive(Debug)]
pub(crate) struct Watch {
    /// Since when both have them, and since when one of them is master besides.
    holders: BTreeMap<Pair, Instant>,
    masters: BTreeMap<Pair, Instant>,
    /// When something was done to directors or network.
    calm_since: Instant,
    /// The addresses must be somewhere.
    covered: bool,
    longest_down: Duration,
}

impl Watch {
    pub(crate) fn new(now: Instant, setup: &Setup) -> Self {
        Self {
            holders: BTreeMap::new(),
            masters: BTreeMap::new(),
            calm_since: now,
            covered: false,
            longest_down: setup.longest_down(),
        }
    }

    /// Something is done to directors or network.
    pub(crate) fn disturb(&mut self, now: Instant) {
        self.calm_since = now;
        self.covered = false;
    }

    pub(crate) fn calm_since(&self) -> Instant {
        self.calm_since
    }

    /// From now on, and until something else is done, the addresses must be somewhere.
    pub(crate) fn cover(&mut self) {
        self.covered = true;
    }

    /// Looks at all, after each moment where something has happened.
    pub(crate) fn look(&mut self, now: Instant, directors: &[Director], network: &Network) {
        let routers = directors[0].routers();
        for router in 0..routers {
            let holds = |at: &Director| at.runs() && at.held.contains(&router);
            let holders: Vec<usize> =
                (0..directors.len()).filter(|at| holds(&directors[*at])).collect();
            assert!(
                !self.covered || !holders.is_empty(),
                "nobody has the addresses of R{router}, {:?} after it was handed over",
                now - self.calm_since
            );
        }
        self.look_at_pairs(now, directors, network, routers);
    }

    fn look_at_pairs(
        &mut self,
        now: Instant,
        directors: &[Director],
        network: &Network,
        routers: usize,
    ) {
        for one in 0..directors.len() {
            for other in one + 1..directors.len() {
                for router in 0..routers {
                    let both = [&directors[one], &directors[other]];
                    self.look_at_pair(now, (one, other, router), both, network);
                }
            }
        }
    }

    fn look_at_pair(&mut self, now: Instant, pair: Pair, both: [&Director; 2], network: &Network) {
        let router = pair.2;
        let together = both.iter().all(|at| at.runs() && at.held.contains(&router));
        let is_master = |at: &&Director| at.role(router) == Role::Master;
        let one_is_master = together && both.iter().any(is_master);
        let interval = both.map(|at| at.instance(router).advert_interval);
        let answered = interval[0].max(interval[1]) + network.longest_delay() * 2;
        let waited = self.longest_down + answered;
        let connected = network.is_whole() && both.iter().all(|at| at.has_link);
        let kinds =
            [(&mut self.masters, one_is_master, answered), (&mut self.holders, together, waited)];
        for (since, is, bound) in kinds {
            if let Some(since) = since.get(&pair) {
                let lasted = now - (*since).max(self.calm_since);
                assert!(
                    !connected || lasted <= bound,
                    "{pair:?} have the same addresses for {lasted:?}, allowed are {bound:?}"
                );
            }
            if is {
                since.entry(pair).or_insert(now);
            } else {
                since.remove(&pair);
            }
        }
    }
}
