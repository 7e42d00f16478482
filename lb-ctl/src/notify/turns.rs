//! Whose script runs next: those of one service or virtual router one after the other, those of
//! several beside each other. Pure.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// Jobs that wait, in the order they came, and who is at work.
#[derive(Debug)]
pub(super) struct Turns<K, J> {
    waiting: VecDeque<(K, J)>,
    counts: HashMap<K, usize>,
    running: HashSet<K>,
    limits: Limits,
}

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// At work.
    pub(super) running: usize,
    /// Waiting, of one key.
    pub(super) waiting_each: usize,
    /// Waiting, of all.
    pub(super) waiting: usize,
}

impl<K: Clone + Eq + Hash, J> Turns<K, J> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { waiting: VecDeque::new(), counts: HashMap::new(), running: HashSet::new(), limits }
    }

    /// Queues a job. Where there is no room one is given back that will not run: the oldest that
    /// waits of this key, since the last says how things are, or else this very one.
    pub(super) fn push(&mut self, key: K, job: J) -> Option<J> {
        let count = self.counts.get(&key).copied().unwrap_or_default();
        let is_full =
            count >= self.limits.waiting_each || self.waiting.len() >= self.limits.waiting;
        if is_full && count == 0 {
            return Some(job);
        }
        let dropped = if is_full { self.take(|waiting| *waiting == key) } else { None };
        *self.counts.entry(key.clone()).or_default() += 1;
        self.waiting.push_back((key, job));
        dropped.map(|(_, job)| job)
    }

    /// The next job that may run, which runs from now on.
    pub(super) fn next(&mut self) -> Option<(K, J)> {
        if self.running.len() >= self.limits.running {
            return None;
        }
        let running = std::mem::take(&mut self.running);
        let next = self.take(|key| !running.contains(key));
        self.running = running;
        self.running.extend(next.as_ref().map(|(key, _)| key.clone()));
        next
    }

    /// Notes that the job of a key has ended.
    pub(super) fn done(&mut self, key: &K) {
        self.running.remove(key);
    }

    fn take(&mut self, mut wanted: impl FnMut(&K) -> bool) -> Option<(K, J)> {
        let place = self.waiting.iter().position(|(key, _)| wanted(key))?;
        let taken = self.waiting.remove(place)?;
        if let Some(count) = self.counts.get_mut(&taken.0) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&taken.0);
            }
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { running: 2, waiting_each: 3, waiting: 5 };

    fn turns() -> Turns<char, u32> {
        Turns::new(LIMITS)
    }

    #[test]
    fn jobs_of_one_key_take_turns_and_those_of_others_do_not_wait_for_them() {
        let mut turns = turns();
        for (key, job) in [('a', 1), ('a', 2), ('b', 3), ('c', 4)] {
            assert_eq!(turns.push(key, job), None);
        }
        assert_eq!(turns.next(), Some(('a', 1)));
        assert_eq!(turns.next(), Some(('b', 3)), "2 waits for 1");
        assert_eq!(turns.next(), None, "two are at work");
        turns.done(&'b');
        assert_eq!(turns.next(), Some(('c', 4)));
        turns.done(&'a');
        assert_eq!(turns.next(), Some(('a', 2)));
        turns.done(&'a');
        assert_eq!(turns.next(), None);
    }

    #[test]
    fn the_last_jobs_of_a_key_are_kept() {
        let mut turns = turns();
        let dropped: Vec<_> = (1..=5).filter_map(|job| turns.push('a', job)).collect();
        assert_eq!(dropped, [1, 2]);
        assert_eq!((turns.push('b', 6), turns.push('b', 7)), (None, None));
        assert_eq!(turns.push('b', 8), Some(6), "five wait");
        assert_eq!(turns.push('c', 9), Some(9), "nothing of its own waits");
        assert_eq!(turns.next(), Some(('a', 3)));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_limits_hold_and_order_is_kept(
            steps in prop::collection::vec((0_u8..3, 0_usize..4), 0..200)
        ) {
            let mut turns = Turns::new(LIMITS);
            let (mut given, mut ran, mut dropped) = (0_u32, Vec::new(), 0);
            let mut running = HashSet::new();
            for (what, key) in steps {
                match what {
                    0 => {
                        given += 1;
                        dropped += usize::from(turns.push(key, given).is_some());
                    }
                    1 => if let Some((key, job)) = turns.next() {
                        prop_assert!(running.insert(key), "{key} overlaps");
                        ran.push((key, job));
                    },
                    _ => {
                        turns.done(&key);
                        running.remove(&key);
                    }
                }
                prop_assert!(running.len() <= LIMITS.running);
                prop_assert!(turns.waiting.len() <= LIMITS.waiting);
                prop_assert_eq!(turns.counts.values().sum::<usize>(), turns.waiting.len());
                prop_assert!(turns.counts.values().all(|count| *count <= LIMITS.waiting_each));
            }
            prop_assert_eq!(ran.len() + dropped + turns.waiting.len(), given as usize);
            for key in 0..4 {
                let jobs: Vec<_> = ran.iter().filter(|(k, _)| *k == key).map(|(_, j)| j).collect();
                prop_assert!(jobs.is_sorted(), "{jobs:?}");
            }
        }
    }
}
