//! The load balancer's daemon in the director's namespace, and its command line.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::de::DeserializeOwned;

use super::command::{describe, run};
use super::{Host, Lab, LabError, Namespace, Process, wait_until};

/// How long the daemon may take to answer.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The whole path of the lb-ctl that is to be measured.
///
/// # Errors
///
/// There is none.
pub fn find_lb_ctl(path: &Path) -> Result<PathBuf, LabError> {
    let found = path.canonicalize();
    found.map_err(|source| LabError::NoLbCtl { path: path.to_owned(), source })
}

/// Prepares every real of the bed for the VIPs with `lb-ctl real-server setup`.
///
/// # Errors
///
/// One of them refuses; the others before it stay prepared.
pub fn setup_reals(lab: &Lab, lb_ctl: &Path, vips: &[IpAddr]) -> Result<(), LabError> {
    for real in &lab.reals {
        // The real servers share this machine's /run, where each would keep its own.
        let state = lab.files().join(format!("real-server-{}", real.name));
        for vip in vips {
            let mut command = real.namespace.command(lb_ctl);
            command.args(["real-server", "setup", "--vip", &vip.to_string(), "--state-dir"]);
            run(command.arg(&state))?;
        }
    }
    Ok(())
}

/// How the daemon is to be started.
#[derive(Clone, Debug)]
pub struct DirectorBuilder {
    lb_ctl: PathBuf,
    namespace: Arc<Namespace>,
    folder: PathBuf,
    pins: PathBuf,
    arguments: Vec<OsString>,
}

impl DirectorBuilder {
    /// A daemon on all the director's interfaces with an empty definition, its socket, definition
    /// file, log and pins in folders of its own.
    pub fn new(lab: &Lab, lb_ctl: &Path) -> Self {
        Self::on(lab, lb_ctl, lab.interfaces())
    }

    /// The same on these interfaces only.
    pub fn on(lab: &Lab, lb_ctl: &Path, interfaces: &[&str]) -> Self {
        Self::on_host(lab, &lab.director, lb_ctl, interfaces)
    }

    /// The same on another machine of the bed, such as the second director.
    pub fn on_host(lab: &Lab, host: &Host, lb_ctl: &Path, interfaces: &[&str]) -> Self {
        let number = format!("ctl{}", lab.next_director());
        let (folder, pins) = (lab.files().join(&number), lab.pins().join(&number));
        Self::at(&host.namespace, lb_ctl, folder, pins, interfaces)
    }

    /// A daemon in any namespace, with its files in one folder and its pins in another; both are
    /// made.
    pub fn at(
        namespace: &Arc<Namespace>,
        lb_ctl: &Path,
        folder: PathBuf,
        pins: PathBuf,
        interfaces: &[&str],
    ) -> Self {
        let namespace = Arc::clone(namespace);
        let (lb_ctl, arguments) = (lb_ctl.to_owned(), Vec::new());
        let mut builder = Self { lb_ctl, namespace, folder, pins, arguments };
        for interface in interfaces {
            builder = builder.argument("--interface").argument(interface);
        }
        builder
    }

    /// One more word on the daemon's command line.
    #[must_use]
    pub fn argument(mut self, word: impl Into<OsString>) -> Self {
        self.arguments.push(word.into());
        self
    }

    /// Puts the daemon's socket and pins where another one has them.
    #[must_use]
    pub fn like(mut self, other: &Director) -> Self {
        self.folder.clone_from(&other.settings.folder);
        self.pins.clone_from(&other.settings.pins);
        self
    }

    /// Starts the daemon with this text as its definition file, and returns when it answers.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_with(self, definition: &str) -> Result<Director, LabError> {
        let director = Director::prepare(self)?;
        director.write_definition(definition)?;
        director.started()
    }

    /// Starts the daemon, and returns when it answers.
    ///
    /// # Errors
    ///
    /// It ends at once, its log is in the message; or it does not answer in time.
    pub fn start(self) -> Result<Director, LabError> {
        Director::prepare(self)?.started()
    }
}

/// A director with its daemon. Dropping it stops the daemon and removes its pins.
#[derive(Debug)]
pub struct Director {
    settings: DirectorBuilder,
    process: Option<Process>,
}

impl Director {
    fn prepare(settings: DirectorBuilder) -> Result<Self, LabError> {
        fs::create_dir_all(&settings.folder)
            .map_err(LabError::io(format!("make {}", settings.folder.display())))?;
        Ok(Self { settings, process: None })
    }

    fn started(mut self) -> Result<Self, LabError> {
        self.start()?;
        Ok(self)
    }

    /// Starts the daemon again after [`Self::stop`] or [`Self::kill`], on the same files and
    /// pins, and returns when it answers.
    ///
    /// # Errors
    ///
    /// It ends at once, its log is in the message; or it does not answer in time.
    pub fn start(&mut self) -> Result<(), LabError> {
        let log_path = self.log_path();
        let opened = File::options().create(true).append(true).open(&log_path);
        let log = opened.map_err(LabError::io(format!("open {}", log_path.display())))?;
        let mut command = self.command();
        command.arg("daemon").args(&self.settings.arguments);
        command.arg("--config").arg(self.definition_path());
        command.arg("--pin-dir").arg(&self.settings.pins);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(Process::spawn(&mut command)?);
        self.wait_ready()
    }

    /// A command line of `lb-ctl`, for this daemon, in the director's namespace.
    pub fn command(&self) -> Command {
        let mut command = self.settings.namespace.command(&self.settings.lb_ctl);
        command.env("LB_CTL_SOCKET", self.socket());
        command
    }

    /// Runs a command of the CLI, whatever its exit code.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn ctl(&self, arguments: &[&str]) -> Result<Output, LabError> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        let line = describe(&command);
        command.output().map_err(|source| LabError::Start { command: line, source })
    }

    /// Runs a command of the CLI that must succeed, and returns its standard output.
    ///
    /// # Errors
    ///
    /// It ends with a status other than 0; what it said is in the message.
    pub fn ctl_ok(&self, arguments: &[&str]) -> Result<String, LabError> {
        run(self.command().args(arguments))
    }

    /// Runs a command of the CLI with `-o json` and reads what it prints.
    ///
    /// # Errors
    ///
    /// It ends with a status other than 0, or prints something else.
    pub fn ctl_json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, LabError> {
        let mut command = self.command();
        command.args(arguments).args(["-o", "json"]);
        let text = run(&mut command)?;
        serde_json::from_str(&text).map_err(|error| LabError::Output {
            command: describe(&command),
            reason: format!("{error} in {text}"),
        })
    }

    /// The daemon's process.
    ///
    /// # Panics
    ///
    /// The daemon has been stopped and not started again.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the daemon has been started")
    }

    /// Ends the daemon by SIGTERM and returns how it ended. Pins and files stay.
    ///
    /// # Errors
    ///
    /// The system does not let us wait for it.
    pub fn stop(&mut self) -> Result<Option<ExitStatus>, LabError> {
        self.process.take().map(|mut process| process.stop()).transpose()
    }

    /// Ends the daemon by SIGKILL and reaps it. Pins and files stay.
    ///
    /// # Errors
    ///
    /// It had ended already.
    pub fn kill(&mut self) -> Result<(), LabError> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::SIGKILL)?;
        process.wait().map(drop)
    }

    /// Replaces the definition file, as a person with an editor does.
    ///
    /// # Errors
    ///
    /// The disk is full.
    pub fn write_definition(&self, text: &str) -> Result<(), LabError> {
        let path = self.definition_path();
        fs::write(&path, text).map_err(LabError::io(format!("write {}", path.display())))
    }

    /// The definition file.
    pub fn definition_path(&self) -> PathBuf {
        self.settings.folder.join("lb-ctl.json")
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.settings.folder.join("lb-ctl.sock")
    }

    /// The folder with the daemon's pins.
    pub fn pins(&self) -> &Path {
        &self.settings.pins
    }

    /// All that the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.settings.folder.join("lb-ctl.log")
    }

    fn wait_ready(&mut self) -> Result<(), LabError> {
        let socket = self.socket();
        let waited = wait_until("the daemon to answer", READY_LIMIT, || {
            if let Some(status) = self.process().ended()? {
                let command = self.process().command().to_owned();
                return Err(LabError::Ended { command, status, log: self.log() });
            }
            // Connecting costs nothing; a command of the CLI is a process.
            let listens = UnixStream::connect(&socket).is_ok();
            Ok(listens && self.ctl(&["status"])?.status.success())
        });
        waited.inspect_err(|error| {
            if matches!(error, LabError::Timeout { .. }) {
                eprintln!("the daemon's log:\n{}", self.log());
            }
        })
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("test bed: {error}");
        }
        let pins = &self.settings.pins;
        if pins.exists()
            && let Err(error) = fs::remove_dir_all(pins)
        {
            eprintln!("test bed: remove {}: {error}", pins.display());
        }
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}
