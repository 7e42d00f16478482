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
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What `count` shows when it shows `wanted`, or when it has not moved for a while; and when it
/// moved last.
fn settled(
    wanted: u64,
    mut count: impl FnMut() -> Result<u64, PathError>,
) -> Result<(u64, Instant), PathError> {
    let begin = Instant::now();
    let (mut last, mut moved) = (count()?, begin);
    while last < wanted && moved.elapsed() < QUIET && begin.elapsed() < SETTLE_LIMIT {
        std::thread::sleep(LOOK_EVERY);
        let now = count()?;
        if now != last {
            (last, moved) = (now, Instant::now());
        }
    }
    Ok((last, moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_settled_when_all_are_there_or_no_more_come() {
        let mut shown = [5, 7, 10].into_iter();
        assert_eq!(settled(10, || Ok(shown.next().unwrap())).unwrap().0, 10);
        let mut shown = [5, 7].into_iter();
        assert_eq!(settled(10, || Ok(shown.next().unwrap_or(7))).unwrap().0, 7);
    }
}
