//! Runs the checks of all reals, in a thread of their own: what the rest of the daemon does holds up
//! no probe.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::record::{Answer, Findings, Record};
use super::sm::{Condition, Machine, Phase};
use super::task::{Hint, Lateness, Task};
use crate::config::check::Timing;
use crate::config::model::Endpoint;

/// What names a check: the service, and the real's address.
pub type Key = (Endpoint, IpAddr);

/// Sends probes of one service.
pub trait Probe: Send + Sync + 'static {
    /// Sends one, and says what is wrong with the real, where something is.
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Answer>;
}

/// Where a probe goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// The address that is connected to.
    pub real: IpAddr,
    /// The mark of sockets whose packets go through the VIP.
    pub mark: Option<u32>,
}

/// How one real is to be checked.
#[derive(Clone)]
pub struct Assignment {
    /// Sends the probes; the same one means the same check.
    pub prober: Arc<dyn Probe>,
    /// When.
    pub timing: Timing,
    /// Where to.
    pub target: Target,
    /// The real's own address, where the target goes through the VIP: to tell what is wrong.
    pub own: Option<Target>,
}

impl Assignment {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.prober, &other.prober)
            && self.timing == other.timing
            && self.target == other.target
            && self.own == other.own
    }
}

/// What a check has to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Of which real.
    pub key: Key,
    /// Which check of it: see [`Driver::is_current`].
    pub epoch: u64,
    /// What.
    pub kind: ReportKind,
}

/// What a check has to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReportKind {
    /// The real has come up or gone down.
    Changed {
        /// Which.
        condition: Condition,
        /// Why it failed.
        why: Option<String>,
    },
    /// What else is known of why a real is down.
    Hint {
        /// In words.
        text: String,
    },
}

/// The running checks.
pub struct Driver {
    runtime: Handle,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    reports: mpsc::UnboundedSender<Report>,
    lateness: Arc<Lateness>,
    running: HashMap<Key, Running>,
    epochs: u64,
    random: RandomState,
}

struct Running {
    epoch: u64,
    assignment: Assignment,
    record: Arc<Record>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// First probes that are asked for together begin so far apart.
const APART: Duration = Duration::from_micros(200);

impl Driver {
    /// Starts the thread, without checks. The other half is what the checks have to say.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn start() -> std::io::Result<(Self, mpsc::UnboundedReceiver<Report>)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("health".to_owned()).spawn(move || {
            // An error is the sender's end, which means the same.
            let _ = runtime.block_on(stopped);
            // A child that a check has started is not waited for.
            runtime.shutdown_background();
        })?;
        let (reports, heard) = mpsc::unbounded_channel();
        let driver = Self {
            runtime: handle,
            thread: Some((stop, thread)),
            reports,
            lateness: Arc::default(),
            running: HashMap::new(),
            epochs: 0,
            random: RandomState::new(),
        };
        Ok((driver, heard))
    }

    /// Goes over to these checks, each with what is known of its real. Those that stay as they are
    /// go on; those that change begin with that.
    pub fn set(&mut self, wanted: HashMap<Key, (Assignment, Condition)>) {
        self.running.retain(|key, _| wanted.contains_key(key));
        let stands = |key: &Key, assignment: &Assignment| {
            self.running.get(key).is_some_and(|running| running.assignment.is(assignment))
        };
        let fresh: Vec<_> =
            wanted.into_iter().filter(|(key, (wanted, _))| !stands(key, wanted)).collect();
        let begin = Instant::now();
        for (place, (key, (assignment, known))) in (0..).zip(fresh) {
            let spread = (APART * place).min(assignment.timing.interval);
            let warmup = self.phase(&(key, "warmup")).of(assignment.timing.warmup);
            self.begin(key, assignment, known, begin + spread + warmup);
        }
    }

    fn begin(&mut self, key: Key, assignment: Assignment, known: Condition, first: Instant) {
        self.epochs += 1;
        let epoch = self.epochs;
        let before = self.running.remove(&key).map(|running| running.record.findings());
        // What an earlier check has reported last may not have been heard, and never will be: what
        // counts is what the other side knows.
        let findings = match before {
            Some(before) => Findings { condition: known, ..before },
            None => Findings::known(known),
        };
        let machine = Machine::new(assignment.timing, known, first, self.phase(&key));
        let record = Arc::new(Record::new(findings));
        let task = Task {
            key,
            epoch,
            assignment: assignment.clone(),
            machine,
            record: Arc::clone(&record),
            reports: self.reports.clone(),
            lateness: Arc::clone(&self.lateness),
            hint: Hint::NotLooked,
        };
        let task = self.runtime.spawn(task.run()).abort_handle();
        self.running.insert(key, Running { epoch, assignment, record, task });
    }

    /// A different one for each real and each daemon.
    fn phase(&self, of: &impl std::hash::Hash) -> Phase {
        Phase(self.random.hash_one(of) as u16)
    }

    /// Whether a report is of a check that still runs.
    pub fn is_current(&self, report: &Report) -> bool {
        self.running.get(&report.key).is_some_and(|running| running.epoch == report.epoch)
    }

    /// What has been found of a real; `None` where it is not checked.
    pub fn findings(&self, key: &Key) -> Option<Findings> {
        self.running.get(key).map(|running| running.record.findings())
    }

    /// Probes a real now; `None` where it is not checked.
    pub fn ask(&self, key: &Key) -> Option<oneshot::Receiver<Answer>> {
        self.running.get(key).map(|running| running.record.ask())
    }

    /// Probes a real now, where it is checked, and waits for no answer.
    pub fn nudge(&self, key: &Key) {
        if let Some(running) = self.running.get(key) {
            running.record.nudge();
        }
    }

    /// How late probes have begun.
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.running.clear();
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // It holds nothing that could panic; and if it did, there is nothing left to do.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
