//! What the check of one real has found so far, for those who ask.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{Notify, oneshot};

use super::failure::Kind;
use super::sm::{Condition, Outcome};

/// What was found of a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Findings {
    /// What is known of it.
    pub condition: Condition,
    /// Since when, where that was seen.
    pub since: Option<SystemTime>,
    /// When it was last probed.
    pub last: Option<SystemTime>,
    /// Why it failed last, and when.
    pub failure: Option<(SystemTime, String)>,
    /// What else is known of why it fails.
    pub hint: Option<String>,
    /// How many probes succeeded.
    pub successes: u64,
    /// How many failed.
    pub failures: u64,
}

/// The findings of a running check, and those who wait for its next probe.
#[derive(Debug)]
pub(super) struct Record {
    findings: Mutex<Findings>,
    askers: Mutex<Vec<oneshot::Sender<Answer>>>,
    pub(super) asked: Notify,
}

/// What one probe found: nothing wrong, or what.
pub type Answer = Result<(), Failed>;

/// What is wrong with a real.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Of what kind it is.
    pub kind: Kind,
    /// In words.
    pub words: String,
}

impl Record {
    pub(super) fn new(findings: Findings) -> Self {
        Self { findings: Mutex::new(findings), askers: Mutex::default(), asked: Notify::new() }
    }

    pub(super) fn findings(&self) -> Findings {
        lock(&self.findings).clone()
    }

    /// Notes a result, and what it makes of the real, where that is new.
    pub(super) fn note(&self, answer: &Answer, changed: Option<Condition>, now: SystemTime) {
        let mut findings = lock(&self.findings);
        findings.last = Some(now);
        match answer {
            Ok(()) => {
                findings.successes += 1;
                findings.hint = None;
            }
            Err(failed) => {
                findings.failures += 1;
                findings.failure = Some((now, failed.words.clone()));
            }
        }
        if let Some(condition) = changed {
            findings.condition = condition;
            findings.since = Some(now);
        }
    }

    /// Notes what else is known of why a real fails.
    pub(super) fn note_hint(&self, hint: &str) {
        lock(&self.findings).hint = Some(hint.to_owned());
    }

    /// Asks for a probe that begins from now on.
    pub(super) fn ask(&self) -> oneshot::Receiver<Answer> {
        let (asker, answer) = oneshot::channel();
        lock(&self.askers).push(asker);
        self.asked.notify_one();
        answer
    }

    /// Asks for a probe whose result nobody waits for.
    pub(super) fn nudge(&self) {
        self.asked.notify_one();
    }

    pub(super) fn askers(&self) -> Vec<oneshot::Sender<Answer>> {
        std::mem::take(&mut lock(&self.askers))
    }
}

impl Findings {
    /// Why it failed last, with all that is known of it.
    pub fn reason(&self) -> Option<String> {
        let (_, words) = self.failure.as_ref()?;
        Some(with_hint(words, self.hint.as_deref()))
    }

    /// Nothing but what was known before.
    pub const fn known(condition: Condition) -> Self {
        Self {
            condition,
            since: None,
            last: None,
            failure: None,
            hint: None,
            successes: 0,
            failures: 0,
        }
    }
}

pub(super) fn with_hint(words: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| words.to_owned(), |hint| format!("{words} {hint}"))
}

/// A panic elsewhere leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<&Answer> for Outcome {
    fn from(answer: &Answer) -> Self {
        if answer.is_ok() { Self::Success } else { Self::Failure }
    }
}
