//! When a real is probed, and what its results make of it. Pure: time is passed in.
//!
//! A real that nothing is known of is decided by its first result. From then on `rise` successes in
//! a row bring it up and `fall` failures in a row take it down; a result that says what is known
//! already ends the other's row.

use std::time::{Duration, Instant};

use crate::config::check::Timing;

/// What is known of a real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Nothing yet.
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

impl Condition {
    /// The word used in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Names a probe, so that an answer that comes late is not taken for that of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeId(u64);

/// What a probe found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The real answered as it should.
    Success,
    /// It did not.
    Failure,
}

/// The check of one real.
#[derive(Clone, Debug)]
pub struct Machine {
    timing: Timing,
    condition: Condition,
    /// Results in a row that speak against the condition.
    against: u16,
    /// When the next probe begins; while one is under way, when it is given up.
    deadline: Instant,
    under_way: Option<UnderWay>,
    probes: u64,
    /// How much of the first interval is waited for, so that checks that began together part.
    phase: Option<Phase>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    id: ProbeId,
    began: Instant,
}

/// A share of an interval, from 0 to 65535.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Phase(pub u16);

impl Phase {
    pub(super) fn of(self, whole: Duration) -> Duration {
        whole * u32::from(self.0) / u32::from(u16::MAX)
    }
}

impl Machine {
    /// A check that begins at `first`, of a real of which so much is known; after the first probe it
    /// waits for `phase` of an interval.
    pub const fn new(timing: Timing, known: Condition, first: Instant, phase: Phase) -> Self {
        Self {
            timing,
            condition: known,
            against: 0,
            deadline: first,
            under_way: None,
            probes: 0,
            phase: Some(phase),
        }
    }

    /// What is known of the real.
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// How many results in a row speak against what is known.
    pub const fn against(&self) -> u16 {
        self.against
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub const fn next_deadline(&self) -> Instant {
        self.deadline
    }

    /// What is due: the next probe begins, or the one under way has failed.
    pub fn handle_timeout(&mut self, now: Instant) -> Due {
        if now < self.deadline {
            return Due::Nothing;
        }
        match self.under_way {
            None => Due::Begin(self.begin(now)),
            Some(UnderWay { id, .. }) => match self.handle_result(now, id, Outcome::Failure) {
                Some(condition) => Due::Changed(condition),
                None => Due::GivenUp,
            },
        }
    }

    /// The real is to be probed now and not when its time has come; nothing is new where a probe is
    /// under way.
    pub const fn handle_nudge(&mut self, now: Instant) {
        if self.under_way.is_none() {
            self.deadline = now;
        }
    }

    /// Takes in what a probe found; returns what the real is from now on, where that is new. What
    /// comes from a probe that was given up is ignored.
    pub fn handle_result(
        &mut self,
        now: Instant,
        id: ProbeId,
        outcome: Outcome,
    ) -> Option<Condition> {
        let under_way = self.under_way.filter(|under_way| under_way.id == id)?;
        self.under_way = None;
        let changed = self.judge(outcome);
        self.deadline = self.next(now, under_way, outcome);
        changed
    }

    fn begin(&mut self, now: Instant) -> ProbeId {
        self.probes += 1;
        let id = ProbeId(self.probes);
        self.under_way = Some(UnderWay { id, began: now });
        self.deadline = now + self.timing.timeout;
        id
    }

    fn judge(&mut self, outcome: Outcome) -> Option<Condition> {
        let (said, needed) = match outcome {
            Outcome::Success => (Condition::Up, self.timing.rise),
            Outcome::Failure => (Condition::Down, self.timing.fall),
        };
        if said == self.condition {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.condition != Condition::Unknown && self.against < needed {
            return None;
        }
        self.against = 0;
        self.condition = said;
        Some(said)
    }

    /// Probes begin an interval apart; what is not decided yet is asked again sooner, and none
    /// begins before the one before it has ended.
    fn next(&mut self, now: Instant, ended: UnderWay, outcome: Outcome) -> Instant {
        let regular = match self.phase.take() {
            Some(phase) => phase.of(self.timing.interval),
            None => self.timing.interval,
        };
        let regular = ended.began + regular;
        let retry = now + self.timing.retry_delay;
        let undecided = outcome == Outcome::Failure && self.condition != Condition::Down;
        if undecided { regular.min(retry).max(now) } else { regular.max(now) }
    }
}

/// What is due at a machine's deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// It is not reached yet.
    Nothing,
    /// A probe is to be sent.
    Begin(ProbeId),
    /// The probe under way took too long, which decides nothing yet.
    GivenUp,
    /// The probe under way took too long, and the real is this from now on.
    Changed(Condition),
}

#[cfg(test)]
#[path = "sm_tests.rs"]
mod tests;
