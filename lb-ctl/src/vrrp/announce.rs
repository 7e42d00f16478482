//! When others are told where the addresses are. Pure.

use std::time::{Duration, Instant};

use crate::config::vrrp::Garp;

/// The rounds of one virtual router while it is master.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    /// The second round.
    second: Option<Instant>,
    /// The next of those that go on for ever.
    refresh: Option<Instant>,
}

impl Announcer {
    /// Begins anew with a round now, whose repetitions are returned.
    pub fn begin(&mut self, now: Instant, garp: &Garp) -> u8 {
        let later = |wait: Duration| (!wait.is_zero()).then(|| now + wait);
        self.second = later(garp.delay);
        self.refresh = later(garp.refresh);
        garp.repeat
    }

    /// Ends.
    pub fn end(&mut self) {
        *self = Self::default();
    }

    /// When the next round is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.second.into_iter().chain(self.refresh).min()
    }

    /// The repetitions of the round that is due, where one is.
    pub fn handle_timeout(&mut self, now: Instant, garp: &Garp) -> Option<u8> {
        let second = self.second.take_if(|due| *due <= now).map(|_| garp.repeat);
        let refresh = self.refresh.take_if(|due| *due <= now).map(|_| garp.refresh_repeat);
        if refresh.is_some() && !garp.refresh.is_zero() {
            self.refresh = Some(now + garp.refresh);
        }
        second.max(refresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn two_rounds_and_no_more_by_default() {
        let (garp, begin) = (Garp::default(), Instant::now());
        let mut announcer = Announcer::default();
        assert_eq!(announcer.next_deadline(), None);
        assert_eq!(announcer.begin(begin, &garp), 5);
        assert_eq!(announcer.next_deadline(), Some(begin + 5 * SECOND));
        assert_eq!(announcer.handle_timeout(begin + 4 * SECOND, &garp), None);
        assert_eq!(announcer.handle_timeout(begin + 5 * SECOND, &garp), Some(5));
        assert_eq!(announcer.next_deadline(), None);
    }

    #[test]
    fn refreshing_goes_on_until_it_is_ended() {
        let garp = Garp { refresh: 3 * SECOND, delay: Duration::ZERO, ..Garp::default() };
        let begin = Instant::now();
        let mut announcer = Announcer::default();
        announcer.begin(begin, &garp);
        for round in 1..5 {
            let due = begin + 3 * round * SECOND;
            assert_eq!(announcer.next_deadline(), Some(due));
            assert_eq!(announcer.handle_timeout(due, &garp), Some(1));
        }
        announcer.end();
        assert_eq!(announcer.next_deadline(), None);
    }

    #[test]
    fn rounds_that_fall_together_are_one() {
        let garp = Garp { refresh: 5 * SECOND, ..Garp::default() };
        let begin = Instant::now();
        let mut announcer = Announcer::default();
        announcer.begin(begin, &garp);
        assert_eq!(announcer.handle_timeout(begin + 5 * SECOND, &garp), Some(5));
        assert_eq!(announcer.handle_timeout(begin + 5 * SECOND, &garp), None);
    }
}
