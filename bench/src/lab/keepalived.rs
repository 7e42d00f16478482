//! Debian's keepalived on a machine of the bed: the other side of tests, and what benches compare
//! with.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{Host, Lab, LabError, Namespace, Process, wait_until};

/// How long keepalived may take to start, and to reach a state with adverts of a second.
const LIMIT: Duration = Duration::from_secs(20);

/// What it logs when it is ready to take part.
const STARTED: &str = "Startup complete";

/// Of the process that was started, and of its VRRP part.
const PID_FILES: [&str; 2] = ["keepalived.pid", "vrrp.pid"];

/// keepalived's VRRP part in the namespace of a machine, with its files in a folder of the bed's.
/// Dropping it stops it: it leaves by an advert of priority 0.
#[derive(Debug)]
pub struct Keepalived {
    namespace: Arc<Namespace>,
    folder: PathBuf,
    process: Option<Process>,
}

impl Keepalived {
    /// Starts it with this configuration, which needs no `global_defs`.
    ///
    /// # Errors
    ///
    /// It is not installed, or refuses the configuration: its log is in the message.
    pub fn start(lab: &Lab, host: &Host, configuration: &str) -> Result<Self, LabError> {
        let folder = lab.files().join(format!("keepalived{}", lab.next_director()));
        fs::create_dir_all(&folder).map_err(LabError::io(format!("make {}", folder.display())))?;
        let namespace = Arc::clone(&host.namespace);
        let mut keepalived = Self { namespace, folder, process: None };
        let name = &host.name;
        let global = format!("global_defs {{\n  router_id {name}\n  script_user root\n}}\n");
        keepalived.configure(&(global + configuration))?;
        keepalived.restart()?;
        Ok(keepalived)
    }

    fn configure(&self, text: &str) -> Result<(), LabError> {
        let path = self.folder.join("keepalived.conf");
        fs::write(&path, text).map_err(LabError::io(format!("write {}", path.display())))
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`], with an empty log.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<(), LabError> {
        let path = self.log_path();
        let log = File::create(&path).map_err(LabError::io(format!("make {}", path.display())))?;
        let errors = log.try_clone().map_err(LabError::io("share a log file"))?;
        // One that was killed has left them: they would say that it runs while nobody reaps it.
        for pid in PID_FILES {
            let _ = fs::remove_file(self.folder.join(pid));
        }
        let mut command = self.namespace.command("keepalived");
        // In the foreground, VRRP alone, its log in detail on standard output alone; its parts are
        // not started again where one was killed.
        command.args(["--dont-fork", "--vrrp", "--dont-respawn"]);
        command.args(["--log-console", "--log-detail", "--no-syslog"]);
        command.arg("--use-file").arg(self.folder.join("keepalived.conf"));
        for (option, pid) in ["--pid", "--vrrp_pid"].into_iter().zip(PID_FILES) {
            command.arg(option).arg(self.folder.join(pid));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.process = Some(Process::spawn(&mut command)?);
        wait_until("keepalived to start", LIMIT, || {
            self.running()?;
            Ok(self.log().contains(STARTED))
        })
    }

    /// An error if it has ended by itself.
    fn running(&mut self) -> Result<(), LabError> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(status) = process.ended()? else { return Ok(()) };
        Err(LabError::Ended { command: process.command().to_owned(), status, log: self.log() })
    }

    /// The state that a VRRP instance entered last, as `MASTER`; none before its first.
    pub fn state(&self, instance: &str) -> Option<String> {
        last_state(&self.log(), instance).map(str::to_owned)
    }

    /// Waits until a VRRP instance is in this state.
    ///
    /// # Errors
    ///
    /// It is not, for a long time, or keepalived ends: its log is printed.
    pub fn wait_for(&mut self, instance: &str, state: &str) -> Result<(), LabError> {
        let what = format!("keepalived's {instance} to be {state}");
        let waited = wait_until(&what, LIMIT, || {
            self.running()?;
            Ok(self.state(instance).as_deref() == Some(state))
        });
        waited.inspect_err(|_| eprintln!("keepalived's log:\n{}", self.log()))
    }

    /// Ends it by SIGTERM, and returns how it ended.
    ///
    /// # Errors
    ///
    /// The system does not let us wait for it.
    pub fn stop(&mut self) -> Result<Option<ExitStatus>, LabError> {
        self.process.take().map(|mut process| process.stop()).transpose()
    }

    /// Asks it to end by SIGTERM, without waiting until it has.
    ///
    /// # Errors
    ///
    /// It has ended already.
    pub fn terminate(&self) -> Result<(), LabError> {
        self.process.iter().try_for_each(|process| process.signal(Signal::SIGTERM))
    }

    /// Ends all of it by SIGKILL. Its addresses stay where they are.
    ///
    /// # Errors
    ///
    /// It has ended already.
    pub fn kill(&mut self) -> Result<(), LabError> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::SIGKILL)?;
        process.wait().map(drop)
    }

    /// All that it has logged since it was started last.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("keepalived.log")
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("test bed: {error}");
        }
        if std::thread::panicking() {
            eprintln!("keepalived's log:\n{}", self.log());
        }
    }
}

/// The state in the last line such as `(VI_1) Entering BACKUP STATE (init)`.
fn last_state<'a>(log: &'a str, instance: &str) -> Option<&'a str> {
    let entering = format!("({instance}) Entering ");
    let states = log.lines().rev().filter_map(|line| line.split_once(&entering));
    states.map(|(_, rest)| rest).find_map(|rest| rest.split_once(" STATE")).map(|(state, _)| state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_of_the_instance_counts() {
        let log = "Sat: (VI_1) Entering BACKUP STATE (init)\nSat: (VI_2) Entering FAULT STATE\n\
                   Sat: (VI_1) Entering MASTER STATE\nSat: (VI_1) setting VIPs.\n";
        assert_eq!(last_state(log, "VI_1"), Some("MASTER"));
        assert_eq!(last_state(log, "VI_2"), Some("FAULT"));
        assert_eq!(last_state(log, "VI"), None);
    }
}
