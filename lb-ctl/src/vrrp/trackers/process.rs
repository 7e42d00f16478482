//! Processes that are to run.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Teller, procfs};
use crate::config::vrrp::Process;
use crate::vrrp::track::Fact;

/// From look to look.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks for processes again and again, and tells what is new.
pub(super) async fn follow(process: Process, mut teller: Teller) {
    let mut presence = Presence::new(&process);
    let (mut found, mut complained) = (Vec::new(), false);
    loop {
        let (program, quorum) = (process.program.clone(), process.quorum);
        let known = found.clone();
        // There may be tens of thousands of processes.
        let look = move || procfs::find(Path::new("/proc"), &program, &known, quorum as usize);
        let looked = tokio::task::spawn_blocking(look).await;
        match looked.expect("looking at processes does not panic") {
            Ok(pids) => {
                found = pids;
                complained = false;
                if let Some(fact) = presence.handle_count(Instant::now(), found.len()) {
                    teller.tell(fact);
                }
            }
            Err(error) => teller.complain(&mut complained, &error),
        }
        tokio::time::sleep_until(presence.next_look(Instant::now()).into()).await;
    }
}

/// Whether enough of them are there. Pure: time is passed in.
#[derive(Debug)]
struct Presence {
    quorum: usize,
    delay: Duration,
    /// Whether there were enough when that was decided last.
    known: Option<bool>,
    too_few_since: Option<Instant>,
}

impl Presence {
    fn new(process: &Process) -> Self {
        let Process { quorum, delay, .. } = *process;
        Self { quorum: quorum as usize, delay, known: None, too_few_since: None }
    }

    /// There are so many, or at least; what follows, where that is decided. What is seen first
    /// decides at once.
    fn handle_count(&mut self, now: Instant, count: usize) -> Option<Fact> {
        if count >= self.quorum {
            self.too_few_since = None;
            self.known = Some(true);
            return Some(Fact::Works);
        }
        let since = *self.too_few_since.get_or_insert(now);
        if self.known == Some(true) && now < since + self.delay {
            return None;
        }
        self.known = Some(false);
        let why = match (count, self.quorum) {
            (0, 1) => "does not run".to_owned(),
            (_, quorum) => format!("runs {count} of {quorum} times"),
        };
        Some(Fact::Fails { why })
    }

    /// When to look again: at the end of the delay, where that is sooner.
    fn next_look(&self, now: Instant) -> Instant {
        let regular = now + PERIOD;
        let decisive = self.too_few_since.map(|since| since + self.delay);
        decisive
            .filter(|at| self.known == Some(true) && *at > now)
            .map_or(regular, |at| at.min(regular))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence(quorum: u32, delay: Duration) -> Presence {
        let program = "nginx".to_owned();
        Presence::new(&Process { program, quorum, delay, weight: None })
    }

    fn fails(why: &str) -> Fact {
        Fact::Fails { why: why.to_owned() }
    }

    #[test]
    fn the_first_look_decides_at_once() {
        let now = Instant::now();
        assert_eq!(presence(1, PERIOD).handle_count(now, 0), Some(fails("does not run")));
        assert_eq!(presence(1, PERIOD).handle_count(now, 1), Some(Fact::Works));
        assert_eq!(presence(3, PERIOD).handle_count(now, 2), Some(fails("runs 2 of 3 times")));
    }

    #[test]
    fn too_few_count_after_the_delay_and_enough_at_once() {
        let (begin, delay) = (Instant::now(), Duration::from_millis(2500));
        let mut presence = presence(2, delay);
        let mut looks = Vec::new();
        let mut now = begin;
        for count in [2, 1, 2, 1, 1, 0, 1, 2] {
            looks.push((now - begin, presence.handle_count(now, count)));
            now = presence.next_look(now);
        }
        let at = Duration::from_millis;
        let works = || Some(Fact::Works);
        let expected = [
            (at(0), works()),
            (at(1000), None),
            (at(2000), works()),
            (at(3000), None),
            (at(4000), None),
            (at(5000), None),
            (at(5500), Some(fails("runs 1 of 2 times"))),
            (at(6500), works()),
        ];
        assert_eq!(looks, expected);
    }

    #[test]
    fn without_a_delay_it_counts_at_once() {
        let now = Instant::now();
        let mut presence = presence(1, Duration::ZERO);
        presence.handle_count(now, 1);
        assert_eq!(presence.handle_count(now + PERIOD, 0), Some(fails("does not run")));
        assert_eq!(presence.next_look(now + PERIOD), now + 2 * PERIOD);
    }
}
