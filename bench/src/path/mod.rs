//! A path through a director: a generator, the director in one of several ways, a sink. The same
//! packets go through lb-ctl, IPVS and plain forwarding.
//!
//! Two beds: a veth, with live frames from the kernel's test runner; and network cards, with
//! whatever sends out of one of them.

mod cards;
mod director;
mod error;
mod frame;
pub mod instructions;
mod programs;
pub mod rates;
mod veth;
mod way;

use std::time::{Duration, Instant};

pub use cards::Cards;
pub use director::{Director, Setup};
pub use error::PathError;
pub use frame::{PORT, RIP, SOURCE, VIP, frame};
pub use programs::{Generator, Sink};
pub use veth::Veth;
pub use way::Way;

/// What became of the packets of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    /// Packets sent.
    pub sent: u64,
    /// Packets that came to where the way ends.
    pub arrived: u64,
    /// How long it took.
    pub took: Duration,
}

/// How long stragglers may take.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
/// After this time without any, there are no more.
const QUIET: Duration = Duration::from_millis(50);
/// Rarely enough that looking takes nothing from the one CPU that may be there.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What `count` shows when it shows `wanted`, or when it has not moved for a while.
fn settled(
    wanted: u64,
    mut count: impl FnMut() -> Result<u64, PathError>,
) -> Result<u64, PathError> {
    let begin = Instant::now();
    let mut watch = Watch::begin(count()?, begin);
    while watch.count < wanted && watch.moved.elapsed() < QUIET && begin.elapsed() < SETTLE_LIMIT {
        std::thread::sleep(LOOK_EVERY);
        watch.look(count()?, Instant::now());
    }
    Ok(watch.count)
}

/// When a counter began to move, and when it moved last.
#[derive(Clone, Copy, Debug)]
struct Watch {
    count: u64,
    /// The last look at which it had not moved.
    still: Instant,
    /// The last look at which it had moved.
    moved: Instant,
    has_moved: bool,
}

impl Watch {
    fn begin(count: u64, now: Instant) -> Self {
        Self { count, still: now, moved: now, has_moved: false }
    }

    fn look(&mut self, count: u64, now: Instant) {
        if count != self.count {
            (self.count, self.moved, self.has_moved) = (count, now, true);
        } else if !self.has_moved {
            self.still = now;
        }
    }

    /// From its first movement to its last, each known to one look.
    fn moving(&self) -> Duration {
        self.moved.saturating_duration_since(self.still)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_settled_when_all_are_there_or_no_more_come() {
        let mut shown = [5, 7, 10].into_iter();
        assert_eq!(settled(10, || Ok(shown.next().unwrap())).unwrap(), 10);
        let mut shown = [5, 7].into_iter();
        assert_eq!(settled(10, || Ok(shown.next().unwrap_or(7))).unwrap(), 7);
    }
    #[test]
    fn what_comes_before_the_first_packet_and_after_the_last_is_not_counted() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let mut watch = Watch::begin(7, begin);
        for (count, millis) in [(7, 100), (7, 200), (8, 205), (8, 210), (20, 300), (20, 900)] {
            watch.look(count, at(millis));
        }
        assert_eq!((watch.count, watch.moving()), (20, Duration::from_millis(100)));
    }
}
