//! A long-running child that does not outlive its owner.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::LabError;
use super::command::describe;

/// How long a child may take to leave after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// A child in a process group of its own. Dropping it stops the group and reaps the child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    command: String,
    kept: bool,
}

impl Process {
    /// Starts `command` as the leader of a new process group, so that signals reach the workers
    /// it starts as well, and a Ctrl-C at the terminal does not.
    ///
    /// # Errors
    ///
    /// The command does not start.
    pub fn spawn(command: &mut Command) -> Result<Self, LabError> {
        let line = describe(command);
        let child = command
            .process_group(0)
            .spawn()
            .map_err(|source| LabError::Start { command: line.clone(), source })?;
        Ok(Self { child, command: line, kept: false })
    }

    /// The child's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The command line it was started with.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// How the child ended, or `None` while it runs.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, LabError> {
        self.child.try_wait().map_err(LabError::io(format!("wait for `{}`", self.command)))
    }

    /// Sends a signal to the child and its workers.
    ///
    /// # Errors
    ///
    /// They have ended already.
    pub fn signal(&self, signal: Signal) -> Result<(), LabError> {
        self.send(signal).map_err(LabError::io(format!("send {signal} to `{}`", self.command)))
    }

    /// Waits for the child to end.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn wait(&mut self) -> Result<ExitStatus, LabError> {
        self.child.wait().map_err(LabError::io(format!("wait for `{}`", self.command)))
    }

    /// Asks the child to leave by SIGTERM, ends it by SIGKILL if it does not, and reaps it.
    ///
    /// # Errors
    ///
    /// The system does not let us wait for it.
    pub fn stop(&mut self) -> Result<ExitStatus, LabError> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        // It may end by itself before the signal arrives; the wait below finds out.
        let _ = self.send(Signal::SIGTERM);
        let group = self.group();
        let child = &mut self.child;
        let (tell, ended) = mpsc::channel();
        let status = thread::scope(|scope| {
            let waiter = scope.spawn(move || {
                let status = child.wait();
                // Nobody listens any more once the grace is over.
                let _ = tell.send(());
                status
            });
            if ended.recv_timeout(GRACE).is_err() {
                let _ = killpg(group, Signal::SIGKILL);
            }
            waiter.join().unwrap_or_else(|_| Err(io::Error::other("the waiting thread panicked")))
        });
        status.map_err(LabError::io(format!("wait for `{}`", self.command)))
    }

    /// Lets the child run on when this guard is dropped.
    pub fn keep(mut self) {
        self.kept = true;
    }

    fn send(&self, signal: Signal) -> io::Result<()> {
        killpg(self.group(), signal).map_err(io::Error::from)
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.stop() {
            eprintln!("test bed: {error}");
        }
    }
}
