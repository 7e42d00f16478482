//! What of others' faults has been told already. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Accepted, Rejected};

/// When a fault that goes on is told again.
const AGAIN: Duration = Duration::from_hours(1);
/// When a fault that had ceased is told again at the earliest: two senders with one address, or a
/// forger, take turns at any rate.
const RETURNED: Duration = Duration::from_mins(1);
/// Senders and VRIDs that are remembered at most. A forger has as many as it likes; those beyond
/// are not told of, only counted.
const CAPACITY: usize = 1024;
/// The fault of an advert that counts nevertheless.
const ADDRESSES: &str = "addresses";

/// What has been told: each kind of fault of a sender and VRID once, and again after an hour, or
/// when there were good adverts in between and a minute has gone.
#[derive(Debug, Default)]
pub struct Once {
    told: HashMap<(IpAddr, u8), BTreeMap<&'static str, Told>>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    ceased: bool,
}

impl Once {
    /// Whether an advert that does not count is to be told of.
    pub fn rejected(&mut self, now: Instant, why: &Rejected, peer: IpAddr, vrid: u8) -> bool {
        self.is_news(now, why.name(), peer, vrid)
    }

    /// Takes note of a good advert, and whether it is to be told how its addresses differ.
    pub fn accepted(&mut self, now: Instant, advert: &Accepted, vrid: u8) -> bool {
        let (peer, differs) = (advert.heard.source, advert.differs.is_some());
        if let Some(faults) = self.told.get_mut(&(peer, vrid)) {
            for (kind, told) in faults {
                told.ceased |= *kind != ADDRESSES || !differs;
            }
        }
        differs && self.is_news(now, ADDRESSES, peer, vrid)
    }

    fn is_news(&mut self, now: Instant, kind: &'static str, peer: IpAddr, vrid: u8) -> bool {
        let sender = (peer, vrid);
        if !self.told.contains_key(&sender) && !self.has_room(now) {
            return false;
        }
        let faults = self.told.entry(sender).or_default();
        let is_old = |told: &Told| {
            let since = now.saturating_duration_since(told.at);
            since >= AGAIN || told.ceased && since >= RETURNED
        };
        let news = faults.get(kind).is_none_or(is_old);
        if news {
            faults.insert(kind, Told { at: now, ceased: false });
        }
        news
    }

    /// Whether one more can be remembered; those that would be told of again make room.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.told.len() >= CAPACITY {
            let is_recent = |told: &Told| now.saturating_duration_since(told.at) < AGAIN;
            self.told.retain(|_, faults| faults.values().any(is_recent));
        }
        self.told.len() < CAPACITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::accept::Difference;
    use crate::vrrp::packet::Covered;
    use crate::vrrp::sm::Heard;

    const MINUTE: Duration = Duration::from_mins(1);

    fn peer(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + number).to_be_bytes())
    }

    fn good(number: u32, differs: bool) -> Accepted {
        let heard = Heard { priority: 100, interval: MINUTE, source: peer(number) };
        let difference = Difference { foreign: vec![peer(9)], missing: Vec::new() };
        Accepted { heard, covered: Covered::Message, differs: differs.then_some(difference) }
    }

    #[test]
    fn each_fault_is_told_once_in_an_hour() {
        let (mut once, now) = (Once::default(), Instant::now());
        let vrid = Rejected::UnknownVrid { vrid: 7 };
        assert!(once.rejected(now, &Rejected::Password, peer(1), 7));
        assert!(!once.rejected(now, &Rejected::Password, peer(1), 7));
        assert!(once.rejected(now, &vrid, peer(1), 7), "another fault");
        assert!(once.rejected(now, &Rejected::Password, peer(2), 7), "another sender");
        assert!(once.rejected(now, &Rejected::Password, peer(1), 8), "another VRID");
        assert!(!once.rejected(now + MINUTE * 59, &Rejected::Password, peer(1), 7));
        assert!(once.rejected(now + MINUTE * 60, &Rejected::Password, peer(1), 7));
    }

    #[test]
    fn a_fault_that_had_ceased_is_told_again() {
        let (mut once, now) = (Once::default(), Instant::now());
        assert!(once.rejected(now, &Rejected::Password, peer(1), 7));
        assert!(!once.accepted(now, &good(1, false), 7));
        let soon = now + MINUTE / 2;
        assert!(!once.rejected(soon, &Rejected::Password, peer(1), 7), "they take turns");
        assert!(once.rejected(now + MINUTE, &Rejected::Password, peer(1), 7));
        let later = now + MINUTE * 3;
        assert!(!once.rejected(later, &Rejected::Password, peer(1), 7), "it goes on");
        assert!(!once.accepted(later, &good(2, false), 7));
        assert!(!once.rejected(later, &Rejected::Password, peer(1), 7), "that was another one");
    }

    #[test]
    fn other_addresses_are_told_once_although_the_adverts_are_good() {
        let (mut once, now) = (Once::default(), Instant::now());
        assert!(once.accepted(now, &good(1, true), 7));
        assert!(!once.accepted(now + MINUTE * 30, &good(1, true), 7));
        assert!(!once.accepted(now + MINUTE * 31, &good(1, false), 7));
        assert!(once.accepted(now + MINUTE * 32, &good(1, true), 7));
    }

    #[test]
    fn forged_senders_do_not_fill_the_memory() {
        let (mut once, now) = (Once::default(), Instant::now());
        let mut told = 0;
        for number in 0..5_000 {
            told += usize::from(once.rejected(now, &Rejected::Password, peer(number), 7));
        }
        assert_eq!((told, once.told.len()), (CAPACITY, CAPACITY));
        let later = now + MINUTE * 60;
        assert!(once.rejected(later, &Rejected::Password, peer(4_999), 7));
        assert_eq!(once.told.len(), 1);
    }
}
