//! Who else claims an address that is held here, and who has been told of lately. Pure.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lb_common::value::Mac;

use super::frames::Claim;

/// The same claim is told of once in so long.
const QUIET: Duration = Duration::from_mins(1);
/// So many claims are remembered at most: more than a segment has machines that mean well.
const REMEMBERED: usize = 4096;

/// The addresses that are held, whose claims are one's own, and the claims of others.
#[derive(Debug, Default)]
pub struct Watch {
    /// Addresses, and from when on claims of others are conflicts.
    held: HashMap<IpAddr, Instant>,
    own: HashSet<Mac>,
    told: HashMap<Claim, Instant>,
}

impl Watch {
    /// Looks after these addresses as well, from a time on; those that it looks after already, as
    /// before.
    pub fn hold(&mut self, from: Instant, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            self.held.entry(address).or_insert(from);
        }
    }

    /// Looks after these no longer.
    pub fn release(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            self.held.remove(&address);
        }
    }

    /// Takes claims with these MACs for one's own.
    pub fn set_own(&mut self, macs: HashSet<Mac>) {
        self.own = macs;
    }

    /// Whether a claim is to be told of: somebody else's, of an address that is held, and not told
    /// of within the last minute. Where too many were, the new ones are not.
    pub fn is_news(&mut self, now: Instant, claim: Claim) -> bool {
        let is_late = self.held.get(&claim.address).is_some_and(|from| *from <= now);
        if !is_late || self.own.contains(&claim.mac) {
            return false;
        }
        let is_quiet = |told: &Instant| now.saturating_duration_since(*told) < QUIET;
        if self.told.get(&claim).is_some_and(is_quiet) {
            return false;
        }
        if self.told.len() >= REMEMBERED {
            self.told.retain(|_, told| is_quiet(told));
        }
        let room = self.told.len() < REMEMBERED;
        if room {
            self.told.insert(claim, now);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Mac = [2, 0, 0, 0, 0, 1];
    const STRANGER: Mac = [2, 0, 0, 0, 0, 2];

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn claim(text: &str, mac: Mac) -> Claim {
        Claim { address: address(text), mac }
    }

    /// A watch that looks after two addresses from now on.
    fn watch() -> (Watch, Instant) {
        let (mut watch, begin) = (Watch::default(), Instant::now());
        watch.hold(begin, [address("192.0.2.10"), address("2001:db8::10")]);
        watch.set_own(HashSet::from([OWN]));
        (watch, begin)
    }

    #[test]
    fn the_one_who_had_it_before_may_take_its_time() {
        let (mut watch, now) = watch();
        let soon = now.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(!watch.is_news(soon, claim("192.0.2.10", STRANGER)));
        watch.hold(now + QUIET, [address("192.0.2.10")]);
        assert!(watch.is_news(now, claim("192.0.2.10", STRANGER)), "it was held already");
    }

    #[test]
    fn others_who_claim_what_is_held_are_news() {
        let (mut watch, now) = watch();
        assert!(watch.is_news(now, claim("192.0.2.10", STRANGER)));
        assert!(watch.is_news(now, claim("2001:db8::10", STRANGER)));
        assert!(!watch.is_news(now, claim("192.0.2.11", STRANGER)));
        assert!(!watch.is_news(now, claim("192.0.2.10", OWN)));
    }

    #[test]
    fn what_is_released_is_anybodys() {
        let (mut watch, now) = watch();
        watch.release([address("192.0.2.10")]);
        assert!(!watch.is_news(now, claim("192.0.2.10", STRANGER)));
        assert!(watch.is_news(now, claim("2001:db8::10", STRANGER)));
    }

    #[test]
    fn a_claim_is_told_of_once_a_minute() {
        let (mut watch, begin) = watch();
        let claimed = claim("192.0.2.10", STRANGER);
        let at = |seconds| begin + Duration::from_secs(seconds);
        let told: Vec<u64> =
            (0..150).filter(|&seconds| watch.is_news(at(seconds), claimed)).collect();
        assert_eq!(told, [0, 60, 120]);
        assert!(watch.is_news(at(1), claim("192.0.2.10", [2, 0, 0, 0, 0, 3])));
    }

    #[test]
    fn no_stranger_fills_the_memory() {
        let (mut watch, begin) = watch();
        let mac = |number: usize| {
            let [.., a, b, c] = number.to_be_bytes();
            [2, 1, 1, a, b, c]
        };
        let mut told_of = |from: usize, now| {
            let all = (from..from + 2 * REMEMBERED).map(mac);
            all.filter(|mac| watch.is_news(now, claim("192.0.2.10", *mac))).count()
        };
        assert_eq!(told_of(0, begin), REMEMBERED);
        assert_eq!(told_of(2 * REMEMBERED, begin + QUIET / 2), 0);
        assert_eq!(told_of(4 * REMEMBERED, begin + QUIET), REMEMBERED);
        assert!(watch.told.len() <= REMEMBERED);
    }
}
