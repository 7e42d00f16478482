use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn timing(rise: u16, fall: u16) -> Timing {
    Timing { rise, fall, retry_delay: 100 * MS, ..Timing::of(Duration::from_secs(1)) }
}

struct Rig {
    machine: Machine,
    now: Instant,
}

impl Rig {
    fn new(timing: Timing, known: Condition) -> Self {
        let now = Instant::now();
        Self { machine: Machine::new(timing, known, now, Phase(u16::MAX)), now }
    }

    /// Goes to the next deadline and begins the probe that is due there.
    fn begin(&mut self) -> ProbeId {
        self.now = self.now.max(self.machine.next_deadline());
        match self.machine.handle_timeout(self.now) {
            Due::Begin(id) => id,
            other => panic!("{other:?} instead of a probe"),
        }
    }

    /// One probe, answered after a millisecond.
    fn probe(&mut self, outcome: Outcome) -> Option<Condition> {
        let id = self.begin();
        self.now += MS;
        self.machine.handle_result(self.now, id, outcome)
    }

    fn gap(&self, since: Instant) -> Duration {
        self.machine.next_deadline() - since
    }
}

use Outcome::{Failure, Success};

#[test]
fn the_first_result_decides() {
    for (outcome, condition) in [(Success, Condition::Up), (Failure, Condition::Down)] {
        let mut rig = Rig::new(timing(3, 3), Condition::Unknown);
        assert_eq!(rig.probe(outcome), Some(condition));
        assert_eq!(rig.probe(outcome), None);
        assert_eq!(rig.machine.condition(), condition);
    }
}

#[test]
fn what_was_known_before_needs_as_many_results_as_ever() {
    let mut rig = Rig::new(timing(1, 2), Condition::Up);
    assert_eq!(rig.probe(Failure), None);
    assert_eq!(rig.probe(Failure), Some(Condition::Down));
    let mut rig = Rig::new(timing(2, 1), Condition::Down);
    assert_eq!(rig.probe(Success), None);
    assert_eq!(rig.probe(Success), Some(Condition::Up));
}

#[test]
fn a_row_is_broken_by_one_result_that_says_the_contrary() {
    let mut rig = Rig::new(timing(2, 3), Condition::Up);
    for outcome in [Failure, Failure, Success, Failure, Failure] {
        assert_eq!(rig.probe(outcome), None);
    }
    assert_eq!(rig.probe(Failure), Some(Condition::Down));
    for outcome in [Success, Failure, Success] {
        assert_eq!(rig.probe(outcome), None);
    }
    assert_eq!(rig.probe(Success), Some(Condition::Up));
}

#[test]
fn probes_begin_an_interval_apart() {
    let mut rig = Rig::new(timing(1, 1), Condition::Up);
    for _ in 0..3 {
        let begin = rig.now.max(rig.machine.next_deadline());
        rig.probe(Success);
        assert_eq!(rig.gap(begin), Duration::from_secs(1));
    }
}

#[test]
fn what_is_not_decided_is_asked_again_soon() {
    let mut rig = Rig::new(timing(1, 3), Condition::Up);
    for _ in 0..2 {
        assert_eq!(rig.probe(Failure), None);
        assert_eq!(rig.gap(rig.now), 100 * MS);
    }
    assert_eq!(rig.probe(Failure), Some(Condition::Down));
    assert_eq!(rig.gap(rig.now), 999 * MS, "now it is decided");
}

#[test]
fn a_retry_never_waits_longer_than_the_interval() {
    let slow = Timing { retry_delay: Duration::from_secs(1), ..timing(1, 3) };
    let mut rig = Rig::new(slow, Condition::Up);
    let id = rig.begin();
    let begin = rig.now;
    rig.now += 600 * MS;
    rig.machine.handle_result(rig.now, id, Failure);
    assert_eq!(rig.gap(begin), Duration::from_secs(1));
}

#[test]
fn a_probe_without_an_answer_fails_and_its_answer_is_ignored() {
    let mut rig = Rig::new(timing(1, 1), Condition::Up);
    let late = rig.begin();
    assert_eq!(rig.machine.handle_timeout(rig.now), Due::Nothing);
    rig.now = rig.machine.next_deadline();
    assert_eq!(rig.machine.handle_timeout(rig.now), Due::Changed(Condition::Down));
    assert_eq!(rig.machine.handle_result(rig.now, late, Success), None);
    assert_eq!(rig.machine.condition(), Condition::Down);
    let next = rig.begin();
    assert_eq!(rig.machine.handle_result(rig.now, late, Success), None, "nor while the next is");
    assert_eq!(rig.machine.handle_result(rig.now, next, Success), Some(Condition::Up));
    assert_eq!(rig.machine.handle_result(rig.now, next, Failure), None, "each answers once");
}

#[test]
fn given_up_is_said_while_it_decides_nothing() {
    let mut rig = Rig::new(timing(1, 2), Condition::Up);
    rig.begin();
    rig.now = rig.machine.next_deadline();
    assert_eq!(rig.machine.handle_timeout(rig.now), Due::GivenUp);
    assert_eq!(rig.machine.against(), 1);
}

#[test]
fn probes_do_not_overlap_where_the_timeout_is_longer_than_the_interval() {
    let slow = Timing { timeout: Duration::from_secs(3), ..timing(1, 1) };
    let mut rig = Rig::new(slow, Condition::Up);
    let id = rig.begin();
    rig.now += Duration::from_secs(2);
    rig.machine.handle_result(rig.now, id, Success);
    assert_eq!(rig.machine.next_deadline(), rig.now);
}

#[test]
fn a_nudge_brings_the_next_probe_forward() {
    let mut rig = Rig::new(timing(1, 1), Condition::Up);
    rig.probe(Success);
    rig.machine.handle_nudge(rig.now);
    assert_eq!(rig.machine.next_deadline(), rig.now);
    let id = rig.begin();
    let given_up = rig.machine.next_deadline();
    rig.machine.handle_nudge(rig.now);
    assert_eq!(rig.machine.next_deadline(), given_up, "one is under way");
    rig.machine.handle_result(rig.now, id, Success);
    assert!(rig.machine.next_deadline() > rig.now);
}

#[test]
fn checks_that_begin_together_part() {
    let now = Instant::now();
    let second = |phase| {
        let mut machine = Machine::new(timing(1, 1), Condition::Up, now, Phase(phase));
        let Due::Begin(id) = machine.handle_timeout(now) else { panic!("it is due") };
        machine.handle_result(now, id, Success);
        machine.next_deadline() - now
    };
    assert_eq!(second(0), Duration::ZERO);
    assert_eq!(second(u16::MAX), Duration::from_secs(1));
    let half = second(u16::MAX / 2);
    assert!(half > 499 * MS && half < 501 * MS, "{half:?}");
}

proptest! {
    /// What a real is follows from the results alone, as a count of them by hand says.
    #[test]
    fn rows_of_results_decide_and_nothing_else(
        rise in 1..5_u16,
        fall in 1..5_u16,
        known in prop_oneof![
            Just(Condition::Unknown), Just(Condition::Up), Just(Condition::Down)
        ],
        results in prop::collection::vec((any::<bool>(), 0..1500_u64), 0..60),
    ) {
        let timing = timing(rise, fall);
        let mut rig = Rig::new(timing, known);
        let mut expected = known;
        let mut row: Vec<bool> = Vec::new();
        for (success, took) in results {
            let id = rig.begin();
            let began = rig.now;
            // What takes longer than the timeout is a failure, whatever it says at last.
            let in_time = Duration::from_millis(took) < timing.timeout;
            let success = success && in_time;
            let changed = if in_time {
                rig.now += Duration::from_millis(took);
                let outcome = if success { Success } else { Failure };
                rig.machine.handle_result(rig.now, id, outcome)
            } else {
                rig.now = rig.machine.next_deadline();
                match rig.machine.handle_timeout(rig.now) {
                    Due::Changed(condition) => Some(condition),
                    Due::GivenUp => None,
                    other => panic!("{other:?}"),
                }
            };
            if row.last().is_some_and(|last| *last != success) {
                row.clear();
            }
            row.push(success);
            let (said, needed) =
                if success { (Condition::Up, rise) } else { (Condition::Down, fall) };
            let decides = said != expected
                && (expected == Condition::Unknown || row.len() >= usize::from(needed));
            prop_assert_eq!(changed, decides.then_some(said));
            if decides {
                expected = said;
                row.clear();
            }
            prop_assert_eq!(rig.machine.condition(), expected);
            let next = rig.machine.next_deadline();
            prop_assert!(next >= rig.now, "no probe begins before the one before has ended");
            prop_assert!(next <= rig.now.max(began + timing.interval), "nor later than it should");
        }
    }
}
