//! Notify scripts, and their turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use self::words::{Told, Whose};
use super::dropped::{Dropped, Medium};
use super::turns::{Limits, Turns};
use crate::config::hook::HookCommand;
use crate::hook::{self, Account, Call, HookRunError, Output};

pub(super) mod words;

/// Of services.
pub(super) const OF_SERVICES: Limits = Limits { running: 16, waiting_each: 64, waiting: 4096 };
/// Of virtual routers, all of which may change at once.
pub(super) const OF_ROUTERS: Limits = Limits { running: 64, ..OF_SERVICES };
/// Jobs on their way to the task, which takes them at once.
const ROOM: usize = 1024;
/// How much of a script's output goes to the log.
const LINES: usize = 10;

#[derive(Debug)]
struct Job {
    command: HookCommand,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    user: String,
    timeout: Duration,
}

/// Runs scripts, those of one service or virtual router one after the other.
#[derive(Debug)]
pub(super) struct Scripts {
    jobs: mpsc::Sender<(Whose, Job)>,
    task: JoinHandle<()>,
    dropped: Arc<Dropped>,
}

impl Scripts {
    pub(super) fn start(limits: Limits, dropped: Arc<Dropped>) -> Self {
        let (jobs, receiver) = mpsc::channel(ROOM);
        let task = tokio::spawn(take_turns(receiver, limits, Arc::clone(&dropped)));
        Self { jobs, task, dropped }
    }

    /// Queues the scripts that are told of an event.
    pub(super) fn run(&self, told: Told, user: &str, timeout: Duration) {
        let Told { whose, commands, arguments, environment } = told;
        for command in commands {
            let (arguments, environment) = (arguments.clone(), environment.clone());
            let job = Job { command, arguments, environment, user: user.to_owned(), timeout };
            if self.jobs.try_send((whose.clone(), job)).is_err() {
                self.dropped.add(Medium::Script, 1);
            }
        }
    }

    /// Lets those that wait run, and waits for their end.
    pub(super) async fn close(self) {
        drop(self.jobs);
        if let Err(error) = self.task.await {
            tracing::error!("notify scripts: {error}");
        }
    }
}

/// Runs jobs as their turn comes, until no more can come.
async fn take_turns(mut jobs: mpsc::Receiver<(Whose, Job)>, limits: Limits, dropped: Arc<Dropped>) {
    let mut turns = Turns::new(limits);
    let mut running = JoinSet::new();
    let mut is_open = true;
    while is_open || !running.is_empty() {
        tokio::select! {
            job = jobs.recv(), if is_open => match job {
                Some((whose, job)) => if let Some(job) = turns.push(whose, job) {
                    tracing::warn!("{}: too many wait, one is not run", job.command.program());
                    dropped.add(Medium::Script, 1);
                },
                None => is_open = false,
            },
            Some(ended) = running.join_next() => match ended {
                Ok(whose) => turns.done(&whose),
                Err(error) => tracing::error!("notify scripts: {error}"),
            },
        }
        while let Some((whose, job)) = turns.next() {
            running.spawn(async move {
                log(&job, run(&job).await);
                whose
            });
        }
    }
}

async fn run(job: &Job) -> Result<Output, HookRunError> {
    let user = job.user.clone();
    // The list of users may be on another machine.
    let account = tokio::task::spawn_blocking(move || Account::find(&user)).await;
    let account = account.expect("looking a user up does not panic")?;
    let Job { command, arguments, environment, timeout, .. } = job;
    let timeout = *timeout;
    hook::run(&Call { command, arguments, environment, account: &account, timeout }).await
}

fn log(job: &Job, ended: Result<Output, HookRunError>) {
    let told = job.arguments.join(" ");
    let program = job.command.program();
    match ended {
        Ok(Output { status, text }) => {
            for line in text.lines().take(LINES) {
                tracing::info!("{program} {told}: {line}");
            }
            if !status.success() {
                tracing::warn!("{program} {told}: {status}");
            }
        }
        Err(error) => tracing::warn!("{told}: {error}"),
    }
}

#[cfg(test)]
mod tests;
