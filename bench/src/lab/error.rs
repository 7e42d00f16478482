//! What can go wrong in the test bed.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Output};
use std::time::Duration;

/// A step of the test bed that failed: which one, on what, and why.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A program could not be started at all.
    #[error("cannot start `{command}`: {source}; `cargo xtask setup` installs what the bed needs")]
    Start {
        /// The command line.
        command: String,
        /// Why the system refused.
        source: io::Error,
    },
    /// A program ran and reported failure.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error, trimmed.
        stderr: String,
    },
    /// There is no lb-ctl to measure.
    #[error("no lb-ctl at {path}: {source}; `cargo build --release --package lb-ctl` makes one")]
    NoLbCtl {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it is not there.
        source: io::Error,
    },
    /// A server ended before it was ready.
    #[error("`{command}` ended before it was ready ({status}); its log:\n{log}")]
    Ended {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it had logged.
        log: String,
    },
    /// A condition did not come true in time.
    #[error("waited {limit:?} in vain for {what}")]
    Timeout {
        /// The condition.
        what: String,
        /// How long it was given.
        limit: Duration,
    },
    /// A system call or a file operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation and its object.
        what: String,
        /// Why the system refused.
        source: io::Error,
    },
    /// The output of a program is not what was expected of it.
    #[error("cannot read the output of `{command}`: {reason}")]
    Output {
        /// The command line.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bed's own XDP program was refused.
    #[error(
        "XDP program on switch port {port}: {reason}; the bed needs root and a kernel with BPF links"
    )]
    Program {
        /// The port of the switch.
        port: String,
        /// What the kernel or the loader said.
        reason: String,
    },
    /// The requested bed cannot be built.
    #[error("no such bed: {0}")]
    Options(&'static str),
    /// The bed is to be removed from inside.
    #[error("this shell is in namespace {0}, which is to be removed: leave it first (`exit`)")]
    Inside(String),
}

impl LabError {
    /// Makes a system error into one that names the operation.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The failure that a finished command reports.
    pub(crate) fn failed(command: String, output: &Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Self::Failed { command, status: output.status, stderr }
    }
}
