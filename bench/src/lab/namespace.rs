//! A named network namespace that is deleted with its owner.

use std::fs::{self, File};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sched::{CloneFlags, setns};

use super::LabError;
use super::command::{run, run_with_input};

/// Where iproute2 keeps the names.
pub(crate) const NAMES: &str = "/run/netns";

/// A network namespace. Dropping it removes the name; the namespace itself goes when the last
/// process and socket in it are gone.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    path: PathBuf,
    kept: AtomicBool,
}

impl Namespace {
    /// Makes a namespace, with its loopback interface up.
    ///
    /// # Errors
    ///
    /// The name is taken, or the caller is not root.
    pub fn create(name: &str) -> Result<Self, LabError> {
        run(Command::new("ip").args(["netns", "add", name]))?;
        let namespace = Self {
            name: name.to_owned(),
            path: Path::new(NAMES).join(name),
            kept: AtomicBool::new(false),
        };
        namespace.ip("link set dev lo up\n")?;
        Ok(namespace)
    }

    /// Its name, as in `ip netns list`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command that will run inside. Only the network changes: `ip netns exec` would mount a
    /// new /sys over the BPF file system.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path.display())).arg(program);
        command
    }

    /// Runs a command inside, words given one by one, and returns its standard output.
    ///
    /// # Errors
    ///
    /// The command does not start, or ends with a status other than 0.
    ///
    /// # Panics
    ///
    /// `words` is empty.
    pub fn run(&self, words: &[&str]) -> Result<String, LabError> {
        let (program, arguments) = words.split_first().expect("a command has a first word");
        run(self.command(program).args(arguments))
    }

    /// Runs `ip` commands inside, one a line, up to the first that fails.
    ///
    /// # Errors
    ///
    /// One of them fails; the message has its line number.
    pub fn ip(&self, lines: &str) -> Result<(), LabError> {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name, "-batch", "-"]);
        run_with_input(&mut command, lines).map(drop)
    }

    /// Runs `work` on a fresh thread inside, so that the sockets it opens belong here, and
    /// returns its result. A panic in `work` goes on in the caller.
    ///
    /// # Errors
    ///
    /// The namespace cannot be entered.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let file = File::open(&self.path)
            .map_err(LabError::io(format!("open namespace {}", self.name)))?;
        let result = thread::scope(|scope| {
            scope
                .spawn(move || {
                    setns(file, CloneFlags::CLONE_NEWNET)?;
                    Ok(work())
                })
                .join()
        });
        match result {
            Ok(result) => result.map_err(|errno: nix::Error| {
                LabError::io(format!("enter namespace {}", self.name))(errno.into())
            }),
            Err(panicked) => panic::resume_unwind(panicked),
        }
    }

    /// Sets kernel parameters of this namespace, given as paths under /proc/sys/net.
    ///
    /// # Errors
    ///
    /// One does not exist here, or refuses its value.
    pub fn sysctl(&self, settings: &[(&str, &str)]) -> Result<(), LabError> {
        self.enter(|| {
            settings.iter().try_for_each(|(key, value)| {
                fs::write(Path::new("/proc/sys/net").join(key), value)
                    .map_err(LabError::io(format!("set net/{key} to {value} in {}", self.name)))
            })
        })?
    }

    /// Leaves the namespace standing when this guard is dropped.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = run(Command::new("ip").args(["netns", "delete", &self.name])) {
            eprintln!("test bed: {error}");
        }
    }
}

/// Runs `work` on a fresh thread inside `namespace` and returns its result.
///
/// # Errors
///
/// The namespace cannot be entered.
pub fn in_namespace<T: Send>(
    namespace: &Namespace,
    work: impl FnOnce() -> T + Send,
) -> Result<T, LabError> {
    namespace.enter(work)
}
