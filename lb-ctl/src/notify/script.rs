//! Notify scripts: what they are told, and their turns.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::dropped::{Dropped, Medium};
use super::turns::{Limits, Turns};
use crate::config::hook::HookCommand;
use crate::config::model::Endpoint;
use crate::config::notify::Hooks;
use crate::event::{Event, EventKind, ServiceName};
use crate::hook::{self, Account, Call, HookRunError, Output};

const LIMITS: Limits = Limits { running: 16, waiting_each: 64, waiting: 4096 };
/// Jobs on their way to the task, which takes them at once.
const ROOM: usize = 1024;
/// How much of a script's output goes to the log.
const LINES: usize = 10;

/// The command that is run at an event.
pub(super) fn hook(kind: EventKind, hooks: &Hooks) -> Option<&HookCommand> {
    match kind {
        EventKind::RealUp => hooks.up.as_ref(),
        EventKind::RealDown => hooks.down.as_ref(),
        EventKind::QuorumUp => hooks.quorum_up.as_ref(),
        EventKind::QuorumDown => hooks.quorum_down.as_ref(),
        _ => None,
    }
}

/// What stands behind the command's own words, as keepalived writes it to its notify FIFO:
/// `RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN`, `VS [192.0.2.10]:tcp:80 UP`.
fn arguments(event: &Event, service: &ServiceName) -> Vec<String> {
    let Endpoint { protocol, address, port } = service.endpoint;
    let at = |address: IpAddr| format!("[{address}]:{}:{port}", protocol.name());
    let state = match event.what.kind {
        EventKind::RealUp | EventKind::QuorumUp => "UP",
        _ => "DOWN",
    };
    match event.what.real {
        Some(real) => vec!["RS".to_owned(), at(real), at(address), state.to_owned()],
        None => vec!["VS".to_owned(), at(address), state.to_owned()],
    }
}

fn environment(event: &Event, service: &ServiceName) -> Vec<(&'static str, String)> {
    let Endpoint { protocol, address, port } = service.endpoint;
    let name = service.name.clone().unwrap_or_else(|| service.endpoint.to_string());
    let real = event.what.real.map(|real| real.to_string());
    vec![
        ("LB_CTL_EVENT", event.what.kind.name().to_owned()),
        ("LB_CTL_SERVICE", name),
        ("LB_CTL_VIP", address.to_string()),
        ("LB_CTL_PORT", port.to_string()),
        ("LB_CTL_PROTOCOL", protocol.name().to_owned()),
        ("LB_CTL_REAL", real.unwrap_or_default()),
        ("LB_CTL_MESSAGE", event.what.message.clone()),
    ]
}

#[derive(Debug)]
struct Job {
    command: HookCommand,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    user: String,
    timeout: Duration,
}

/// Runs scripts, those of one service one after the other.
#[derive(Debug)]
pub(super) struct Scripts {
    jobs: mpsc::Sender<(Endpoint, Job)>,
    task: JoinHandle<()>,
    dropped: Arc<Dropped>,
}

impl Scripts {
    pub(super) fn start(dropped: Arc<Dropped>) -> Self {
        let (jobs, receiver) = mpsc::channel(ROOM);
        let task = tokio::spawn(take_turns(receiver, LIMITS, Arc::clone(&dropped)));
        Self { jobs, task, dropped }
    }

    /// Queues a script that is told of an event of a service.
    pub(super) fn run(&self, event: &Event, command: &HookCommand, user: &str, timeout: Duration) {
        let Some(service) = &event.what.service else { return };
        let job = Job {
            command: command.clone(),
            arguments: arguments(event, service),
            environment: environment(event, service),
            user: user.to_owned(),
            timeout,
        };
        if self.jobs.try_send((service.endpoint, job)).is_err() {
            self.dropped.add(Medium::Script, 1);
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
async fn take_turns(
    mut jobs: mpsc::Receiver<(Endpoint, Job)>,
    limits: Limits,
    dropped: Arc<Dropped>,
) {
    let mut turns = Turns::new(limits);
    let mut running = JoinSet::new();
    let mut is_open = true;
    while is_open || !running.is_empty() {
        tokio::select! {
            job = jobs.recv(), if is_open => match job {
                Some((service, job)) => if let Some(job) = turns.push(service, job) {
                    tracing::warn!("{}: too many wait, one is not run", job.command.program());
                    dropped.add(Medium::Script, 1);
                },
                None => is_open = false,
            },
            Some(ended) = running.join_next() => match ended {
                Ok(service) => turns.done(service),
                Err(error) => tracing::error!("notify scripts: {error}"),
            },
        }
        while let Some((service, job)) = turns.next() {
            running.spawn(async move {
                log(&job, run(&job).await);
                service
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
