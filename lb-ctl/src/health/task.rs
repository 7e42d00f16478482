//! The check of one real, as a task: it waits, probes and reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::driver::{Assignment, Key, Report, ReportKind};
use super::failure::Kind;
use super::record::{Answer, Failed, Record, with_hint};
use super::sm::{Condition, Due, Machine};

/// Probers keep their time themselves and say what they waited for. One that does not is given up
/// after so long.
const GRACE: Duration = Duration::from_millis(250);

/// How late probes have begun.
#[derive(Debug, Default)]
pub struct Lateness {
    worst: AtomicU64,
}

impl Lateness {
    /// The longest that a probe has begun after its time.
    pub fn worst(&self) -> Duration {
        Duration::from_micros(self.worst.load(Ordering::Relaxed))
    }

    fn note(&self, late: Duration) {
        self.worst.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
    }
}

/// One running check.
pub(super) struct Task {
    pub(super) key: Key,
    /// Tells what it reports from what an earlier task for the same real did.
    pub(super) epoch: u64,
    pub(super) assignment: Assignment,
    pub(super) machine: Machine,
    pub(super) record: Arc<Record>,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) lateness: Arc<Lateness>,
    pub(super) hint: Hint,
}

/// What the real's own address says while the VIP's fails.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Hint {
    /// It was not asked yet.
    #[default]
    NotLooked,
    /// It says the same.
    Nothing,
    /// It answers.
    Found(String),
}

impl Hint {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Found(text) => Some(text),
            Self::NotLooked | Self::Nothing => None,
        }
    }
}

impl Task {
    pub(super) async fn run(mut self) {
        loop {
            self.wait().await;
            let now = Instant::now();
            self.lateness.note(now - Instant::from_std(self.machine.next_deadline()));
            let Due::Begin(id) = self.machine.handle_timeout(now.into_std()) else { continue };
            let askers = self.record.askers();
            let answer = self.probe().await;
            let now = Instant::now().into_std();
            let changed = self.machine.handle_result(now, id, (&answer).into());
            self.record.note(&answer, changed, SystemTime::now());
            for asker in askers {
                // Who asked may have gone away.
                let _ = asker.send(answer.clone());
            }
            self.tell(answer, changed).await;
        }
    }

    async fn wait(&mut self) {
        let deadline = Instant::from_std(self.machine.next_deadline());
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => {}
            () = self.record.asked.notified() => {
                self.machine.handle_nudge(Instant::now().into_std());
            }
        }
    }

    async fn probe(&self) -> Answer {
        let Assignment { prober, timing, target, .. } = &self.assignment;
        let answer = timeout(timing.timeout + GRACE, prober.probe(target)).await;
        answer.unwrap_or_else(|_| {
            Err(Failed { kind: Kind::Timeout, words: "no result in time".to_owned() })
        })
    }

    /// Reports what is new. Why a real fails that is probed through the VIP is looked into once in
    /// each row of failures, and only when what is known has been reported.
    async fn tell(&mut self, answer: Answer, changed: Option<Condition>) {
        let Err(failed) = answer else {
            self.hint = Hint::NotLooked;
            if let Some(condition) = changed {
                self.report(ReportKind::Changed { condition, why: None });
            }
            return;
        };
        if let Some(condition) = changed {
            let why = Some(with_hint(&failed.words, self.hint.text()));
            self.report(ReportKind::Changed { condition, why });
        }
        if self.hint == Hint::NotLooked {
            self.look(&failed).await;
        }
    }

    /// Asks the real's own address what the VIP has failed at.
    async fn look(&mut self, failed: &Failed) {
        let Assignment { prober, timing, own, .. } = &self.assignment;
        self.hint = Hint::Nothing;
        let Some(own) = own else { return };
        // The next probe is not to wait for this one.
        let patience = timing.timeout.min(timing.retry_delay);
        if let Ok(Ok(())) = timeout(patience, prober.probe(own)).await {
            let text = hint(failed, &self.key);
            self.record.note_hint(&text);
            if self.machine.condition() == Condition::Down {
                self.report(ReportKind::Hint { text: text.clone() });
            }
            self.hint = Hint::Found(text);
        }
    }

    fn report(&self, kind: ReportKind) {
        // The daemon may be leaving.
        let _ = self.reports.send(Report { key: self.key, epoch: self.epoch, kind });
    }
}

fn hint(failed: &Failed, (service, real): &Key) -> String {
    let vip = service.address;
    let why = match failed.kind {
        Kind::Timeout | Kind::Network | Kind::System => format!(
            "is {vip} missing on its lo? `lb-ctl real-server check --vip {vip}` says, on the real \
             server"
        ),
        Kind::Refused => {
            format!("does the server listen on {real} only, not on {vip}?")
        }
        Kind::Status | Kind::Body | Kind::Tls | Kind::Protocol | Kind::Exit => {
            format!("does the server answer for {vip} as it does for {real}?")
        }
    };
    format!("at {vip}, while {real} itself passes: {why}")
}
