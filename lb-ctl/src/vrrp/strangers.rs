//! Who else was heard to have addresses of a virtual router that is master. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use super::status::Conflict;

/// So many are remembered at most: whoever can send frames can make up as many as they like.
const ROOM: usize = 16;

/// Who else was heard to have addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Strangers {
    /// How often somebody said so, by address.
    counts: BTreeMap<IpAddr, u64>,
    last: Vec<Stranger>,
}

/// Somebody else who was heard to have an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stranger {
    /// Who, and which address.
    pub conflict: Conflict,
    /// How often.
    pub count: u64,
    /// When last.
    pub at: Instant,
}

impl Strangers {
    /// Notes that one was heard. Where there are too many, the one that was silent for longest is
    /// forgotten.
    pub fn note(&mut self, now: Instant, conflict: Conflict) {
        *self.counts.entry(conflict.address).or_default() += 1;
        let is_same = |known: &&mut Stranger| {
            (known.conflict.address, known.conflict.mac) == (conflict.address, conflict.mac)
        };
        if let Some(known) = self.last.iter_mut().find(is_same) {
            *known = Stranger { conflict, count: known.count + 1, at: now };
            return;
        }
        if self.last.len() == ROOM {
            let silent = self.last.iter().enumerate().min_by_key(|(_, known)| known.at);
            self.last.remove(silent.map_or(0, |(index, _)| index));
        }
        self.last.push(Stranger { conflict, count: 1, at: now });
    }

    /// How often somebody else was heard to have an address, by address; those that are forgotten
    /// count as well.
    pub fn counts(&self) -> impl Iterator<Item = (IpAddr, u64)> {
        self.counts.iter().map(|(address, count)| (*address, *count))
    }

    /// Those that were heard last.
    pub fn last(&self) -> &[Stranger] {
        &self.last
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn by(mac: u8) -> Conflict {
        let interface = "eth0".to_owned();
        Conflict { address: [192, 0, 2, 10].into(), mac: [2, 0, 0, 0, 0, mac], interface }
    }

    #[test]
    fn one_who_is_heard_again_is_the_same() {
        let (mut strangers, begin) = (Strangers::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        for (seconds, mac) in [(0, 5), (1, 6), (2, 5)] {
            strangers.note(at(seconds), by(mac));
        }
        let known: Vec<_> =
            strangers.last().iter().map(|it| (it.conflict.mac[5], it.count, it.at)).collect();
        assert_eq!(known, [(5, 2, at(2)), (6, 1, at(1))]);
        assert_eq!(strangers.counts().collect::<Vec<_>>(), [([192, 0, 2, 10].into(), 3)]);
    }

    #[test]
    fn no_stranger_fills_the_memory_and_all_count() {
        let (mut strangers, begin) = (Strangers::default(), Instant::now());
        for mac in 0..=200 {
            strangers.note(begin + Duration::from_secs(mac.into()), by(mac));
        }
        let known: Vec<u8> = strangers.last().iter().map(|it| it.conflict.mac[5]).collect();
        assert_eq!(known, (185..=200).collect::<Vec<u8>>());
        assert_eq!(strangers.counts().map(|(_, count)| count).sum::<u64>(), 201);
    }
}
