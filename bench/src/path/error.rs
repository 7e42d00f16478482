//! What can go wrong on the path.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::lab::LabError;

/// A bench that could not go on.
#[derive(Debug, Error)]
pub enum PathError {
    /// Namespaces, commands, lb-ctl's daemon.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Generator and sink.
    #[error("the path's own programs: cannot {operation}: {cause}")]
    Program {
        /// What was tried.
        operation: &'static str,
        /// What the kernel said.
        cause: String,
    },
    /// A module that this kernel does not have.
    #[error(
        "this kernel ({kernel}) has no {module}: {cause}. Debian's has it: `cargo xtask bench \
         pktgen` without --interface runs in a VM with that kernel"
    )]
    Module {
        /// The module.
        module: &'static str,
        /// Release of the running kernel.
        kernel: String,
        /// What modprobe said.
        cause: String,
    },
    /// pktgen refused something.
    #[error("pktgen: cannot write {command:?} to {path}: {cause}")]
    Pktgen {
        /// The file under /proc/net/pktgen.
        path: PathBuf,
        /// What was written.
        command: String,
        /// Why it was refused.
        cause: io::Error,
    },
    /// pktgen's result cannot be read.
    #[error("pktgen: cannot read {path}: {cause}")]
    Unread {
        /// The file under /proc/net/pktgen.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// pktgen said something else than a result.
    #[error("pktgen: no result in {text:?}")]
    Result {
        /// What it said.
        text: String,
    },
    /// A director that does not forward.
    #[error("{way}: of {sent} packets {arrived} arrived: {explanation}")]
    Lost {
        /// What forwarded.
        way: &'static str,
        /// Packets sent.
        sent: u64,
        /// Packets that came to the sink.
        arrived: u64,
        /// What that means.
        explanation: &'static str,
    },
    /// lb-ctl does not know its real yet, or cannot reach it.
    #[error("lb-ctl has no way to the real server: its list says {list}")]
    Unresolved {
        /// What `lb-ctl list` said last.
        list: String,
    },
}
